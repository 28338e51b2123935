import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message that could not be removed counts as removed, and the next of its lane goes. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/outbox.ts",
  find: `    return await repeatWrite(this.#parts, write).then(
      () => true,
      () => false,
    );`,
  replace: `    return await repeatWrite(this.#parts, write).then(
      () => true,
      () => true,
    );`,
};

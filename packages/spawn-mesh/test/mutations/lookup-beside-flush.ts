import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The key of an acknowledged call is looked up while the flush that stores it is under way. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/activation.ts",
  find: `    if (this.#isAcknowledged(invocation)) return true;
    // An actor`,
  replace: "    // An actor",
};

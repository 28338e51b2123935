import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The statestore does not refuse to consume what is not stored any more. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "statestores/memory/index.ts",
  find: "    return areStored && new Set(consumes.map(({ id }) => id)).size === consumes.length;",
  replace: "    return areStored || consumes.length > 0;",
};

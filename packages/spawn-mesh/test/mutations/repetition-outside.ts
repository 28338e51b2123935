import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A repeated message is not sent again by the commit that consumes it. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/run-outcome.ts",
  find: "  const all = again === undefined ? sends : [...sends, again];",
  replace: "  const all = again === undefined ? sends : sends.filter(({ id }) => id !== again.id);",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A commit that the statestore refused is acknowledged. */
export const mutation: Mutation = {
  invariant: "I2",
  target: "engine/commits/commit-writer.ts",
  find: "if (handle === undefined) refused.push(pipeline);",
  replace: "if (pipeline === undefined) refused.push(pipeline);",
};

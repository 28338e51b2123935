import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A write-behind actor drops what it acknowledged when the outcome of a flush is not learnt in time. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/commits/commit-writer.ts",
  find: '(pipeline) => kind === "fatal" || !pipeline.isWriteBehind',
  replace: "() => true",
};

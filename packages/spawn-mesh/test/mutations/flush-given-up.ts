import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A write-behind actor drops what it acknowledged when the outcome of a flush is not learnt in time. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/commits/commit-writer.ts",
  find: '(pipeline) => kind === "fatal" || !pipeline.isWriteBehind',
  replace: "() => true",
  noticedBy: {
    project: "behaviour",
    file: "write-behind.test.ts",
    test: "keeps what it acknowledged however long the outcome of a write cannot be learnt$",
  },
};

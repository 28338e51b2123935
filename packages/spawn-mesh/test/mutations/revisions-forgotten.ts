import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Revisions are kept for half of the time that they should be. */
export const mutation: Mutation = {
  invariant: "I21",
  target: "engine/commits/commit-batch.ts",
  find: "row.at - revisionsKeptMs",
  replace: "row.at - revisionsKeptMs / 2",
};

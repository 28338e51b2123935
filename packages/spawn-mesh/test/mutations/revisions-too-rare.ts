import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Revisions are kept more rarely than the definition says. */
export const mutation: Mutation = {
  invariant: "I21",
  target: "engine/commits/commit-batch.ts",
  find: "at - keptAt >= snapshotTimeoutMs",
  replace: "at - keptAt >= 2 * snapshotTimeoutMs",
};

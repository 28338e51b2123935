import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The end of an actor counts as a revision that was kept, and the first of the next one is not. */
export const mutation: Mutation = {
  invariant: "I21",
  target: "engine/commits/commit-batch.ts",
  find: "const isState = row?.problem === undefined && row?.isDeleted !== true;",
  replace: "const isState = row?.problem === undefined;",
  noticedBy: {
    project: "behaviour",
    file: "revisions.test.ts",
    test: "does not keep the first revision of the new actor from being kept$",
  },
};

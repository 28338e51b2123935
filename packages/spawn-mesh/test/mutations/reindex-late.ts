import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What was made of an older state takes the place of the entries of the newest commit, in memory. */
export const mutation: Mutation = {
  invariant: "I17",
  target: "statestores/memory/queries.ts",
  find: "if (row === undefined || row.etag !== etag || row.isDeleted) return false;",
  replace: "if (row === undefined || row.isDeleted) return false;",
};

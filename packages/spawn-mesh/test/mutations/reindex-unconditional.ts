import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Entries that were made of an older state are written over those of the newest commit. */
export const mutation: Mutation = {
  invariant: "I17",
  target: "statestores/sqlite/query-calls.ts",
  find: "AND etag = ? AND NOT is_deleted",
  replace: "AND length(?) = 16 AND NOT is_deleted",
  noticedBy: {
    project: "conformance",
    file: "statestores.test.ts",
    test: "^sqlite statestore > replaces entries of rows that still are what they were",
  },
};

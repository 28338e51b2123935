import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A commit is stored whatever was committed since. */
export const mutation: Mutation = {
  invariant: "I1",
  target: "statestores/memory/index.ts",
  find: "if (row === undefined || row.etag !== commit.previous) return undefined;",
  replace: "if (row === undefined) return undefined;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A refused commit is taken as not applied without the row that says so. */
export const mutation: Mutation = {
  invariant: "I5",
  target: "engine/commits/commit-pipeline.ts",
  find: "const isCertain = answer !== undefined && (row?.etag === this.#etag || isOvertaken);",
  replace: "const isCertain = answer !== null;",
};

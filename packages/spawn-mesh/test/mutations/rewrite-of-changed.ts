import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What was read to be encrypted anew is written although the state has changed since. */
export const mutation: Mutation = {
  invariant: "I3",
  target: "statestores/memory/sealed.ts",
  find: "if (found?.etag !== row.stored.etag) return false;",
  replace: "if (found === undefined) return false;",
};

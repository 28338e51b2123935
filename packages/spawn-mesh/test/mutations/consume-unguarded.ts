import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The commit does not say which messages it consumes; they are removed afterwards. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commits/commit-batch.ts",
  find: "    consumes: messages?.consumes ?? NO_CONSUMED,",
  replace: "    consumes: messages?.consumes.slice(1) ?? NO_CONSUMED,",
};

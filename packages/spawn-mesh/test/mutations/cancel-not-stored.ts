import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An action's wish to cancel a message is not stored with what it changes. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commit-batch.ts",
  find: "    cancels: messages?.cancels ?? NO_IDS,",
  replace: "    cancels: NO_IDS,",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A repeated message that was cancelled while it was stored by a write-behind actor comes again. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commit-batch.ts",
  find: "    ({ id, sentAfter }) => !gone.some((one) => one.id === id && one.sentAt === sentAfter),",
  replace: "    ({ id }) => id.length > 0 || gone.length > 0,",
};

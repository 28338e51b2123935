import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Nothing tells a repeated message from the one whose place it takes. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/messages/sending.ts",
  find: "    sentAt: Math.max(at, sentAfter + 1),",
  replace: "    sentAt: headers.repeat === undefined ? Math.max(at, sentAfter + 1) : 0,",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor expires a while before its time is over. */
export const mutation: Mutation = {
  invariant: "I18",
  target: "engine/care/expiry.ts",
  find: "changedBefore: clock.wall() - expireAfterMs,",
  replace: "changedBefore: clock.wall() - expireAfterMs / 2,",
};

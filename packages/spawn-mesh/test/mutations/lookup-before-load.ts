import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A write-behind actor does not look whether the message that it runs is still stored. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/activation.ts",
  find: "    if (hasMessage && this.isWriteBehind) invocation.isNew = false;",
  replace: "    void hasMessage;",
};

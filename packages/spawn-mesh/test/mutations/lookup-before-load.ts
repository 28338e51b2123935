import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A write-behind actor does not look whether the message that it runs is still stored. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/activations/activation.ts",
  find: "    if (hasMessage && this.isWriteBehind) invocation.isNew = false;",
  replace: "    void hasMessage;",
  noticedBy: {
    project: "behaviour",
    file: "effects.test.ts",
    test: "^an effect > that is cancelled before a write-behind actor has its state is not run$",
  },
};

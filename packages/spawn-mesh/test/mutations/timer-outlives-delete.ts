import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A timer that goes on in the commit that deletes its actor stays, and brings it back. */
export const mutation: Mutation = {
  invariant: "I3",
  target: "engine/commits/commit-batch.ts",
  find: "if (isDelete) messages.sends = messages.sends.filter(({ isTimer }) => !isTimer);",
  replace: "",
  noticedBy: {
    project: "behaviour",
    file: "timers.test.ts",
    test: "does not begin or go on with the commit that deletes its actor$",
  },
};

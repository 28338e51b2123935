import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What an action sends that deletes its actor goes with the actor. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commits/commit-batch.ts",
  find: "if (isDelete) messages.sends = messages.sends.filter(({ isTimer }) => !isTimer);",
  replace: "if (isDelete) messages.sends = [];",
};

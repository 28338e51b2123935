import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What is queued, running or in flight is executed again instead of joined: two calls with one key run side by side. */
export const mutation: Mutation = {
  invariant: "I5",
  target: "engine/calls/keyed-invocations.ts",
  find: "if (aside !== undefined) {",
  replace: "if (aside === null) {",
};

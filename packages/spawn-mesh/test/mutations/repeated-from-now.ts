import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The next time is counted from when a message was delivered, not from when it was planned. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/messages/repetition.ts",
  find: "  return planned + (Math.floor((after - planned) / everyMs) + 1) * everyMs;",
  replace: "  return now + everyMs;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A broadcast is over when its first subscribers have their messages. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/messages/broadcasts.ts",
  find: "    if (reached !== undefined) {",
  replace: "    if (reached !== undefined && subscribers.length === 0) {",
};

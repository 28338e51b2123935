import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Messages from one actor to another do not wait for one another. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/messages/deliveries.ts",
  find: "return isOrdered && source !== undefined ? actorKey(source) + target : undefined;",
  replace: "return undefined;",
};

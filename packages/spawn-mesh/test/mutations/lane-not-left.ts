import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** After a message that failed, those behind it in its lane go on. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/messages/outbox.ts",
  find: "const behindIt = this.#deliveries.takeBehind(delivery);",
  replace: "const behindIt: readonly Delivery[] = [];",
};

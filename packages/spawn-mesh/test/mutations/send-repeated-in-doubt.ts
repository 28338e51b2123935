import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message is stored again because the answer was lost, though it may be consumed by then. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/messages/repeated-write.ts",
  find: 'parts.store.messages.send(messages), ["retry"]',
  replace: 'parts.store.messages.send(messages), ["retry", "ambiguous"]',
};

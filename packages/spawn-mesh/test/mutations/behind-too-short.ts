import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A source is behind no longer, though the answer cannot have seen its last messages. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/messages/sources-behind.ts",
  find: "      const isDone = !behind.hasLeft && unsent === 0 && revision >= behind.revision;",
  replace: "      const isDone = unsent === 0 || revision >= 0;",
};

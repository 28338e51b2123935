import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What an action sends is delivered when its commit is handed over, not when it is done. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/commit-pipeline.ts",
  find: "messages.directCount = isDirect ? now.length : 0;",
  replace: "this.#writer.outbox.committed(messages.stored, isDirect ? now.length : 0);",
};

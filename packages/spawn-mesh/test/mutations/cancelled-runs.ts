import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message runs that waits behind the action which cancelled it. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commit-pipeline.ts",
  find: "if (!isCancelled(message, this.#next) && !isCancelled(message, this.#inFlight)) return false;",
  replace: 'if (message.id !== "") return false;',
};

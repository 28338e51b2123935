import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message runs that waits behind the action which cancelled it. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commits/commit-pipeline.ts",
  find: "if (!isCancelled(message, this.#next) && !isCancelled(message, this.#inFlight)) return false;",
  replace: 'if (message.id !== "") return false;',
  noticedBy: {
    project: "behaviour",
    file: "cancel.test.ts",
    test: "^an action that cancels a message > keeps its code from running while that is being stored$",
  },
};

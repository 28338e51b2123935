import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor that was deleted goes on with the state that it had. */
export const mutation: Mutation = {
  invariant: "I3",
  target: "engine/activations/activation.ts",
  find: "if (isReplaced) return this.#open();",
  replace: "if (isReplaced) return this.opened([]);",
};

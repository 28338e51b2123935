import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The key of an acknowledged call is looked up while the flush that stores it is under way. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/activation.ts",
  find: "if (invocation.isNew || this.#isAcknowledged(invocation)) return true;",
  replace: "if (invocation.isNew) return true;",
};

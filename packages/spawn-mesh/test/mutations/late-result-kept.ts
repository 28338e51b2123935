import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The result of an action is committed although its caller was told that the deadline had passed. */
export const mutation: Mutation = {
  invariant: "I4",
  target: "engine/activations/execution.ts",
  find: "    if (invocation.isAnswered) return this.#discard(run);\n",
  replace: "",
};

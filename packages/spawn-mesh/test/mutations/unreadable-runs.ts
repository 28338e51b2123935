import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor whose state cannot be read runs its actions without one. */
export const mutation: Mutation = {
  invariant: "I13",
  target: "engine/activations/activation.ts",
  find: "return this.#broken !== undefined && action.isReplacement !== true;",
  replace: "void action;\n    return false;",
};

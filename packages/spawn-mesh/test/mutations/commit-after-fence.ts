import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An activation goes on with its own state after another incarnation has committed. */
export const mutation: Mutation = {
  invariant: "I10",
  target: "engine/activation.ts",
  find: `    this.putBack(again);
    this.#open();`,
  replace: `    this.putBack(again);
    this.#queue();`,
};

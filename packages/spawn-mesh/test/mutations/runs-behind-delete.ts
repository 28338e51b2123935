import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What waits behind an action that deletes its actor is done with what it deletes, and goes with it. */
export const mutation: Mutation = {
  invariant: "I2",
  target: "engine/activations/activation.ts",
  find: 'if (run.isDelete || this.#broken !== undefined) this.#phase = "replacing";',
  replace: 'if (this.#broken !== undefined) this.#phase = "replacing";',
};

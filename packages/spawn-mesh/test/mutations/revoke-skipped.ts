import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A run that is over can still change the state. */
export const mutation: Mutation = {
  invariant: "I4",
  target: "engine/activations/run.ts",
  find: `    this.#owner = undefined;
`,
  replace: "",
};

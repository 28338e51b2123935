import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What the next commit will write is taken for what this one wrote, and so is never written. */
export const mutation: Mutation = {
  invariant: "I17",
  target: "engine/commits/written-index.ts",
  find: "this.#stored = this.#sealed;",
  replace: "this.#stored = this.#present;",
};

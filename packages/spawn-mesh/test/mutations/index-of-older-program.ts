import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Entries that another program has written stay, because those of the state are still the same. */
export const mutation: Mutation = {
  invariant: "I17",
  target: "engine/commits/written-index.ts",
  find: `  forget(): void {
    this.#present = this.#sealed = this.#stored = undefined;`,
  replace: `  forget(): void {
    this.#present = this.#sealed = undefined;`,
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The next commit leaves while the one before it is in flight. */
export const mutation: Mutation = {
  invariant: "I10",
  target: "engine/commits/commit-pipeline.ts",
  find: "return this.#changedAt !== undefined && !this.#isEnlisted && this.#inFlight === undefined;",
  replace: "return this.#changedAt !== undefined && !this.#isEnlisted;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The next commit leaves while the one before it is in flight. */
export const mutation: Mutation = {
  invariant: "I10",
  target: "engine/commit-pipeline.ts",
  find: "if (this.#isEnlisted || this.#inFlight !== undefined || this.#changedAt === undefined) return;",
  replace: "if (this.#isEnlisted || this.#changedAt === undefined) return;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The rows of a load that failed are asked for all at once. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/activations/loader.ts",
  find: "for (const pending of batch) await this.#answer([pending]);",
  replace: "for (const pending of batch) void this.#answer([pending]);",
};

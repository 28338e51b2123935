import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A flush of a write-behind actor writes the state that the flush before it had. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/commits/commit-pipeline.ts",
  find: "return commitOf(batch,",
  replace: "return commitOf(this.isWriteBehind ? { ...batch, bytes: this.#durableBytes } : batch,",
};

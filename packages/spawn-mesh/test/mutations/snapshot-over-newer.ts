import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A flush of a write-behind actor writes the state that the flush before it had. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/commit-pipeline.ts",
  find: "state: batch.isDelete ? undefined : batch.bytes,",
  replace: "state: this.isWriteBehind ? this.#durableBytes : batch.bytes,",
};

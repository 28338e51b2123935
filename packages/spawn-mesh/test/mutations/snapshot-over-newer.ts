import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A flush that is tried again writes the state of the first try, as if it were all. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/commit-pipeline.ts",
  find: "    batch.bytes = this.bytes;",
  replace: "    batch.bytes ??= this.bytes;",
};

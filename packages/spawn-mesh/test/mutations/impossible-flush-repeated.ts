import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A write-behind state that can never be stored is flushed for ever. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/commits/commit-pipeline.ts",
  find: 'if (cause.code !== "PAYLOAD_TOO_LARGE") return',
  replace: "return",
};

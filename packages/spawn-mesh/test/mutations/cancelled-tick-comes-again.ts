import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A repeated message comes again that was cancelled by what it called. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/activations/run-outcome.ts",
  find: "const isLast = message === undefined || cancels.includes(message.id);",
  replace: "const isLast = message === undefined;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Callers wait beyond their deadline. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/activation.ts",
  find: "if (invocation.deadlineAt <= now) {",
  replace: "if (invocation.deadlineAt <= -1) {",
};

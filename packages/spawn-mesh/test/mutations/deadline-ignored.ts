import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Callers wait beyond their deadline. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/calls/invocation.ts",
  find: "if (invocation.deadlineAt > now) continue;",
  replace: "if (invocation.deadlineAt > -1) continue;",
};

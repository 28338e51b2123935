import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A call is applied again although one with its idempotency key was applied before. */
export const mutation: Mutation = {
  invariant: "I5",
  target: "engine/calls/actor-call.ts",
  find: "const idempotencyKey = keyOf(call, payload);",
  replace: "const idempotencyKey = undefined;",
};

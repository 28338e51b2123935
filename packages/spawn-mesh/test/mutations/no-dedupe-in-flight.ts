import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Two calls with one idempotency key run side by side. */
export const mutation: Mutation = {
  invariant: "I5",
  target: "engine/keyed-invocations.ts",
  find: "if (aside !== undefined) {",
  replace: "if (aside === null) {",
};

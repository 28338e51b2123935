import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Messages that may be the reason why their process ended are claimed with others, again and again. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/sweeper.ts",
  find: "const SUSPICIOUS_ATTEMPTS = 2;",
  replace: "const SUSPICIOUS_ATTEMPTS = 1_000;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor leaves memory while calls stand aside in it. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/activation.ts",
  find: "!isWaitedFor && hasNoneAside && ",
  replace: "!isWaitedFor && (hasNoneAside || true) && ",
};

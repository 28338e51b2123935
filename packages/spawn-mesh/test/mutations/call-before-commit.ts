import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An action calls another actor before the commit of what it saw. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/engine.ts",
  find: "await pipeline.whenCommitted();",
  replace: "await undefined;",
};

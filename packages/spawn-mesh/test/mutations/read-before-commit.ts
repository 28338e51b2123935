import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A read is answered before the commit of what it saw. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/commits/commit-pipeline.ts",
  find: "if (seen === undefined || this.isWriteBehind) return invocation.succeed(reply);",
  replace: "if (seen !== null) return invocation.succeed(reply);",
};

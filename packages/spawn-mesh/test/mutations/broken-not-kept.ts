import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A state that nobody can read is replaced without being kept, when another revision was kept just before. */
export const mutation: Mutation = {
  invariant: "I13",
  target: "engine/commits/commit-pipeline.ts",
  find: "const isDue = isUnread || isRevisionDue(",
  replace: "const isDue = isRevisionDue(",
};

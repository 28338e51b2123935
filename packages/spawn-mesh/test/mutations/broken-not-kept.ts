import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A state that nobody can read is replaced without being kept, when another revision was kept just before. */
export const mutation: Mutation = {
  invariant: "I13",
  target: "engine/commits/commit-batch.ts",
  find: "return isUnread || keptAt === undefined ||",
  replace: "return keptAt === undefined ||",
};

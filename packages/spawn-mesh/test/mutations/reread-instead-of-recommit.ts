import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The outcome of a commit whose answer was lost is read from the row, while the request may still be under way. */
export const mutation: Mutation = {
  invariant: "I5",
  target: "engine/commits/commit-writer.ts",
  find: "return await store.commit(group.commits);",
  replace: `if (attempt > 0) return group.commits.map(() => undefined);
        return await store.commit(group.commits);`,
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor with a large state commits as soon as it can, and has the disk to itself. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/commits/commit-pace.ts",
  find: "if (restMs < REST_MS_MIN) return 0;",
  replace: "if (restMs > 0) return 0;",
  noticedBy: {
    project: "behaviour",
    file: "large-states.test.ts",
    test: "^an actor with a large state > commits no more of it a second than its limit",
  },
};

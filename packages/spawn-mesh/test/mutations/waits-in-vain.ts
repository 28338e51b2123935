import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A call is let into a queue in which its time runs out. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/calls/queue-paces.ts",
  find: "return waitMs > patienceMs ? waitMs : undefined;",
  replace: "return waitMs > Infinity ? waitMs : undefined;",
  noticedBy: {
    project: "behaviour",
    file: "overload.test.ts",
    test: "^a queue that is too slow for a call > refuses it at once",
  },
};

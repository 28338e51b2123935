import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A single long action makes calls be refused that would come in time. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/calls/queue-paces.ts",
  find: "const paceMs = Math.min(before, last);",
  replace: "const paceMs = Math.max(before, last);",
  noticedBy: {
    project: "unit",
    file: "queue-paces.test.ts",
    test: "^one long action makes no queue slow",
  },
};

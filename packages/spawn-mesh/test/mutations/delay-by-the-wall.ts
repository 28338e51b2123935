import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A delay lasts until the wall clock shows the time at which it was to end when it was asked for. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/messages/sending.ts",
  find: "  const latest = at + (headers.delayMs ?? Infinity);",
  replace: "  const latest = Infinity;",
  noticedBy: {
    project: "unit",
    file: "sending.test.ts",
    test: "^a delay is no longer because the clock was set back between the sending and the commit$",
  },
};

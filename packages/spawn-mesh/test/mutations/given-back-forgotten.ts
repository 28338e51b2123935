import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Nobody sees that the time of a message had come that was given back by a clock that was ahead. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/messages/giving-back.ts",
  find: "  const { id, sentAt, attempts, error = NOTHING_TOLD } = message;",
  replace: "  const { id, sentAt, attempts, error } = message;",
  noticedBy: {
    project: "unit",
    file: "set-back-clock.test.ts",
    test: "^what was sent before, and was tried or given back while the clock was ahead, does not wait either$",
  },
};

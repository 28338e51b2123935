import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message that is retried while its target is not there is parked again at once. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/messages/messaging.ts",
  find: 'new SpawnError("DEADLINE_EXCEEDED", `${what}, and ${waited}`)',
  replace: 'new SpawnError("ACTOR_NOT_FOUND", `${what}, and ${waited}`)',
  noticedBy: {
    project: "behaviour",
    file: "absent-targets.test.ts",
    test: "^messages to actors that are not there > have their attempts anew when they are retried before their target is there$",
  },
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A fork takes the place of an actor that came into being while the fork was made. */
export const mutation: Mutation = {
  invariant: "I1",
  target: "engine/care/stored-actor.ts",
  find: "if (!hadState && run.isUntouched && run.revision === (before?.revision ?? 0)) return;",
  replace: "if (!hadState) return;",
  noticedBy: {
    project: "behaviour",
    file: "fork-and-time.test.ts",
    test: "is refused when the actor exists, in memory or stored, or is about to$",
  },
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** After a message that failed, those behind it in its lane go on. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/outbox.ts",
  find: `    if (lane !== undefined) this.#lanes.set(lane, [delivery]);
    for (const waiting of behindIt) this.#forget(waiting);`,
  replace: "    void behindIt;",
};

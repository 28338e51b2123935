import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What was sent behind a broadcast goes on when the first subscribers have their messages. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/messages/outbox.ts",
  find: "        if (reply === REST_IS_STORED) return this.#leave(delivery);\n",
  replace: "",
  noticedBy: {
    project: "unit",
    file: "sweeper.test.ts",
    test: "^the sweeper > is left what was sent behind a broadcast that goes on$",
  },
};

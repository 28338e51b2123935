import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message that was found before its commit was known to be done enters its lane twice, which then stops. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/messages/outbox.ts",
  find: "    if (this.#deliveries.has(message.id)) return;\n    const delivery",
  replace: "    const delivery",
  noticedBy: {
    project: "unit",
    file: "sweeper.test.ts",
    test: "^the sweeper > finds a message before its commit is known to be done, and delivers it once and then those behind it$",
  },
};

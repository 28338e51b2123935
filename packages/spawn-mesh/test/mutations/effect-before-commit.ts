import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What an action sends is delivered when its commit is handed over, not when it is done. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/commit-pipeline.ts",
  find: `    messages.stored = stored.map((outgoing) => storedAs(outgoing, { source, at, graceMs }));
`,
  replace: `    messages.stored = stored.map((outgoing) => storedAs(outgoing, { source, at, graceMs }));
    this.#writer.outbox.committed(messages.stored, messages.direct);
    messages.direct = undefined;
`,
};

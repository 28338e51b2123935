import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What an action sends is delivered when its commit is handed over, not when it is done. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/commit-pipeline.ts",
  find: `    if (batch.messages !== undefined)
      sealMessages(batch.messages, { source: this.id, at, outbox: this.writer.outbox });
`,
  replace: `    if (batch.messages !== undefined) {
      sealMessages(batch.messages, { source: this.id, at, outbox: this.writer.outbox });
      this.writer.outbox.committed(batch.messages.stored, batch.messages.direct);
      batch.messages.direct = undefined;
    }
`,
};

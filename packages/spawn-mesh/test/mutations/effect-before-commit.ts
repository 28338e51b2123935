import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What an action sends is delivered when its commit is handed over, not when it is done. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/commits/commit-pipeline.ts",
  find: `    sealMessages(batch, { source: this.id, at, outbox: this.writer.outbox });
`,
  replace: `    sealMessages(batch, { source: this.id, at, outbox: this.writer.outbox });
    if (batch.messages !== undefined) {
      this.writer.outbox.committed(batch.messages.stored, batch.messages.direct);
      batch.messages.direct = undefined;
    }
`,
};

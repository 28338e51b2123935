import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor that comes to life does not look whether messages of it are still stored. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/activations/opening.ts",
  find: "      if (row !== undefined && row.unsent > 0) this.#parts.outbox.foundUnsent(id);",
  replace: "      void row?.unsent;",
};

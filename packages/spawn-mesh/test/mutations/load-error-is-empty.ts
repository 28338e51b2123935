import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor that cannot be loaded begins anew. */
export const mutation: Mutation = {
  invariant: "I13",
  target: "engine/activations/loader.ts",
  find: "if (isFinal || clock.monotonic() >= giveUpAt) {",
  replace: `if (isFinal || clock.monotonic() >= giveUpAt) {
          return queries.map(() => ({ row: undefined, replies: [] }));`,
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** After a message that failed, those behind it in its lane go on. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/outbox.ts",
  find: "this.#lanes.get(lane)?.splice(1) ?? []);\n    if (message.source",
  replace: "[]);\n    if (message.source",
};

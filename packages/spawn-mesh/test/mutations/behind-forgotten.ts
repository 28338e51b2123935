import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Nobody remembers that messages of a source were left to the statestore. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "engine/messages/sources-behind.ts",
  find: "    if (behind === undefined) this.#sources.set(key, { id, revision, hasLeft: true });",
  replace: "    if (behind === undefined) return;",
};

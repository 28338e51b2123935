import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A state that a newer program has written is read as if it were known. */
export const mutation: Mutation = {
  invariant: "I13",
  target: "engine/activations/stored-state.ts",
  find: "if (stored.stateVersion > definition.version) {",
  replace: "if (stored.stateVersion < 0) {",
};

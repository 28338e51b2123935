import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A state is decoded with a codec that it was not encoded with. */
export const mutation: Mutation = {
  invariant: "I13",
  target: "engine/activations/stored-state.ts",
  find: "stored.codec !== codec.name || ",
  replace: "",
};

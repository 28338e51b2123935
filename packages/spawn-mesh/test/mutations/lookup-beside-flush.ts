import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The key of an acknowledged call is looked up while the flush that stores it is under way. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/activations/activation.ts",
  find: 'if (key === undefined || this.definition.durability !== "write-behind") return false;',
  replace: 'if (key !== "") return false;',
};

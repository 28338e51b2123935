import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Calls whose commit is under way when a system stops are never answered. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/engine.ts",
  find: "for (const activation of this.#types.live) activation.forsake(stopped);",
  replace: "",
};

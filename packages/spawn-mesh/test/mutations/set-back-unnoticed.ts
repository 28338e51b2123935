import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Messages wait until the wall clock is where it was before it was set back. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/set-back-clock.ts",
  find: "    if (ahead < this.#ahead - TOLERANCE_MS) {",
  replace: "    if (ahead > Number.MAX_SAFE_INTEGER) {",
};

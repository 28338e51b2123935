import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What an action did before it threw stays in the state. */
export const mutation: Mutation = {
  invariant: "I4",
  target: "engine/execution.ts",
  find: `    if (run.isStateUsed) this.forgetState();
    const isStep =`,
  replace: "    const isStep =",
};

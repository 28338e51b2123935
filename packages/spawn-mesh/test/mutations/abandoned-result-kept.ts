import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The result of a run that was abandoned, and whose caller was told so, is committed. */
export const mutation: Mutation = {
  invariant: "I4",
  target: "engine/execution.ts",
  find: "if (this.#running !== run) return;",
  replace: "if (run.invocation === undefined) return;",
};

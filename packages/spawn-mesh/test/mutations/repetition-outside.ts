import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A repeated message is not sent again by the commit that consumes it. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/activations/run-outcome.ts",
  find: "if (again !== undefined) sends.push(again);",
  replace: "",
};

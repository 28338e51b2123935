import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A write-behind actor acknowledges changes although earlier ones are not being stored. */
export const mutation: Mutation = {
  invariant: "I16",
  target: "engine/activations/run-outcome.ts",
  find: `  refuseWhenOverdue(around);
`,
  replace: "",
};

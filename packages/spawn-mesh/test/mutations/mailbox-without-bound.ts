import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor takes calls however many wait. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/admission.ts",
  find: "queueLength >= mailboxLengthMax || ",
  replace: "",
};

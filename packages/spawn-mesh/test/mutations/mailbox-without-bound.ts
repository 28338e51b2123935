import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor takes calls however many wait. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/calls/admission.ts",
  find: "queueLength >= mailboxLengthMax || ",
  replace: "",
};

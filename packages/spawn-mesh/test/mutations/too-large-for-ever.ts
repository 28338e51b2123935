import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A payload that is larger than a mailbox is told to come again, for ever. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/calls/admission.ts",
  find: "    const isTooLarge = queueLength > 0 && queueUnits",
  replace: "    const isTooLarge = queueUnits",
  noticedBy: {
    project: "unit",
    file: "admission.test.ts",
    test: "^lets one invocation wait that is larger than all that may wait together$",
  },
};

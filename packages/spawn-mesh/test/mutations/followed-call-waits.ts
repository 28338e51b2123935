import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A repeated call that went on elsewhere keeps its place in the mailbox, and asks again and again. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/invocation.ts",
  find: "    this.isElsewhere = true;",
  replace: "    this.isElsewhere = false;",
};

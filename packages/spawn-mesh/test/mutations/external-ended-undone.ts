import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What is to be done outside is no longer stored while it is being done. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/external-functions.ts",
  find: "    this.#carryOut(run, message).then(",
  replace: "    caller.resolve(undefined);\n    this.#carryOut(run, message).then(",
};

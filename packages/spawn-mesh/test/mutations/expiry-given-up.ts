import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Nobody looks for what has expired any more after the statestore failed once. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/care/expiry.ts",
  find: `emit({ type: "store-failed", operation: "expire", cause });
      this.#goOn(undefined);`,
  replace: `emit({ type: "store-failed", operation: "expire", cause });`,
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Messages that were tried before wait until nothing else is due. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/sweeper.ts",
  find: "    this.#wasSuspicious = isTurn && (await this.#claimSuspicious());",
  replace:
    "    this.#wasSuspicious = isTurn && !this.#waitsForRoom && limit === limits.claimRowsMax && false;",
};

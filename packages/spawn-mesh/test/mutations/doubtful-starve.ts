import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Messages that may be the reason why their process ended never have their turn. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/messages/sweeper.ts",
  find: "    await this.#claimDoubtful();",
  replace: "    if (limit < 0) await this.#claimDoubtful();",
};

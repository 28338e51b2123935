import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message that failed too often is tried again. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/outbox.ts",
  find: "    if (attempts >= limits.messageAttemptsMax) return await this.#park(delivery, error);",
  replace:
    "    if (attempts >= limits.messageAttemptsMax * 1_000) return await this.#park(delivery, error);",
};

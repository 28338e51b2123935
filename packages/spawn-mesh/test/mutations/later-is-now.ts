import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What is to be delivered later is delivered at once. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/messages/outbox.ts",
  find: "      const isNow = direct !== undefined && isAtOnce(direct[index]!);",
  replace:
    "      const isNow = direct !== undefined && (isAtOnce(direct[index]!) || message.headers.repeat === undefined);",
};

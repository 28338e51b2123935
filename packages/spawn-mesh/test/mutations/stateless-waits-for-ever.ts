import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Nobody looks at the deadline of a call whose messages are being stored. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/messages/stateless-sending.ts",
  find: "    this.#parts.watch.add(this);",
  replace: "    void this.#parts.watch;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message that was given up keeps its place in its lane. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "statestores/memory/messages.ts",
  find: "    if (row.lane !== undefined) this.#leaveLane(row, row.lane);",
  replace:
    "    if (row.lane !== undefined && row.error === undefined) this.#leaveLane(row, row.lane);",
};

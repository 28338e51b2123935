import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The rest of a broadcast goes behind what was said after it. */
export const mutation: Mutation = {
  invariant: "I7",
  target: "statestores/memory/messages.ts",
  find: "if (next !== undefined && isSamePlace(next, row.message)) this.#goOn(row, next);\n    else this.take",
  replace: "this.take",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A message is stored again because the answer was lost, though it may be consumed by then. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/repeated-write.ts",
  find: "  return await tryWrite(parts, write, false);",
  replace: "  return await tryWrite(parts, write, true);",
};

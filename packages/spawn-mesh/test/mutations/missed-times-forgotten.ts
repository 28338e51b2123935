import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Times that passed while nobody could take them are left out, though all are wanted. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/repetition.ts",
  find: 'const after = repeat.catchUp === "all" ? planned : now;',
  replace: "const after = now;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A commit whose answer was lost is said not to be applied. */
export const mutation: Mutation = {
  invariant: "I4",
  target: "engine/commits/commit-writer.ts",
  find: 'if (kind === "ambiguous") group.isAmbiguous = true;',
  replace: "// Nothing is remembered.",
};

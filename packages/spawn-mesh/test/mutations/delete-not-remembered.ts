import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A call with a key that deletes its actor is forgotten with the actor, and done again when it is repeated. */
export const mutation: Mutation = {
  invariant: "I5",
  target: "statestores/memory/index.ts",
  find: "if (commit.index !== undefined) row.index = commit.index;\n    this.#storeReplies(row, commit.replies);",
  replace:
    "if (commit.index !== undefined) row.index = commit.index;\n    if (!commit.isDelete) this.#storeReplies(row, commit.replies);",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The entries of a commit are written before its etag decides. */
export const mutation: Mutation = {
  invariant: "I17",
  target: "statestores/sqlite/group-commit.ts",
  find: `    if (!this.#writeRow(handle, previous, fields)) return undefined;
`,
  replace: `    this.#changeIndex(handle, indexed);
    if (!this.#writeRow(handle, previous, fields)) return undefined;
`,
  noticedBy: {
    project: "conformance",
    file: "statestores.test.ts",
    test: "^sqlite statestore > writes no entry of a commit that is refused",
  },
};

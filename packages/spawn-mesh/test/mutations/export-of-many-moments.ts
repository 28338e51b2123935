import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An export reads what is there when it comes to it: a message between two actors is in both, or in neither. */
export const mutation: Mutation = {
  invariant: "I19",
  target: "statestores/sqlite/system-view.ts",
  find: 'this.#database.exec("BEGIN; SELECT count(*) FROM spawn_meta");',
  replace: 'this.#database.exec("SELECT count(*) FROM spawn_meta");',
  noticedBy: {
    project: "conformance",
    file: "statestores.test.ts",
    test: "^sqlite statestore > reads one moment, whatever is committed meanwhile$",
  },
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A system starts on the part of an import that has come so far. */
export const mutation: Mutation = {
  invariant: "I20",
  target: "engine/system-rows.ts",
  find: 'if (mark === undefined || mark.phase === "finished") return;',
  replace: "if (mark === undefined || mark.phase !== undefined) return;",
  noticedBy: {
    project: "behaviour",
    file: "behaviour/transfer/import.test.ts",
    test: "that fails in the middle can be run again, and nothing starts in between$",
  },
};

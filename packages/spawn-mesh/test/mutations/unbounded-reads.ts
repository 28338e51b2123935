import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Reads go on however many wait for the commit in flight. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/commits/commit-pipeline.ts",
  find: `    const next = this.#next ?? this.#inFlight;
    if (next`,
  replace: `    const next = this.#next;
    if (next`,
  noticedBy: {
    project: "behaviour",
    file: "overload.test.ts",
    test: "^while a commit takes its time > peek calls run ahead up to their limit",
  },
};

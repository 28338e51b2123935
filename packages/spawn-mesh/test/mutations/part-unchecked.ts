import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What was changed on its way is imported. */
export const mutation: Mutation = {
  invariant: "I20",
  target: "statestores/transfer/stream-reader.ts",
  find: 'if (sha256 === this.#hash.copy().digest("hex")) return;',
  replace: 'if (typeof sha256 === "string") return;',
  noticedBy: {
    project: "behaviour",
    file: "behaviour/transfer/refused-stream.test.ts",
    test: "with any bit flipped, and what got in before is as it was written$",
  },
};

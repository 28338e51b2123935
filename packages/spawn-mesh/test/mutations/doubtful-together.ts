import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Messages that may be the reason why their process ended are claimed with others, again and again. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/message-store.ts",
  find: "export const DOUBTFUL_ATTEMPTS = 2;",
  replace: "export const DOUBTFUL_ATTEMPTS = 1_000;",
  noticedBy: {
    project: "conformance",
    file: "statestores.test.ts",
    test: "^memory statestore > claims apart what has two attempts or more",
  },
};

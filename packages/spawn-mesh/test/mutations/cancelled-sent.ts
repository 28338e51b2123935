import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** What two joined batches send is sent although the second one cancels it. */
export const mutation: Mutation = {
  invariant: "I6",
  target: "engine/commits/commit-batch.ts",
  find: "sends: [...without(first.sends, then?.cancels ?? []), ...(then?.sends ?? [])],",
  replace: "sends: [...first.sends, ...(then?.sends ?? [])],",
  noticedBy: {
    project: "unit",
    file: "commit-batch.test.ts",
    test: "^a batch of two sends nothing of the first that the second cancels$",
  },
};

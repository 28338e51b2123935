import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The state keeps what the actions of a failed commit did. */
export const mutation: Mutation = {
  invariant: "I4",
  target: "engine/commits/commit-pipeline.ts",
  find: `    this.bytes = this.#durableBytes;
`,
  replace: "",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The reply of a durable actor leaves before the commit. */
export const mutation: Mutation = {
  invariant: "I9",
  target: "engine/commits/commit-pipeline.ts",
  find: `    invocation.continuesAs = change.step;
    invocation.handOver(reply);
`,
  replace: `    invocation.continuesAs = change.step;
    invocation.handOver(reply);
    invocation.succeed(reply);
`,
};

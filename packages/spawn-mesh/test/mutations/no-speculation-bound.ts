import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** Actions go on however many wait for a commit. */
export const mutation: Mutation = {
  invariant: "I15",
  target: "engine/commits/commit-pipeline.ts",
  find: "return ran < speculationMax && next.units < speculationUnitsMax;",
  replace: "return ran < Infinity;",
};

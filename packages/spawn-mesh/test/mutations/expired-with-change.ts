import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor whose time is over is deleted together with a change that is about to be committed. */
export const mutation: Mutation = {
  invariant: "I18",
  target: "engine/care/unchanged-actor.ts",
  find: "run.isDelete = run.isUntouched && run.revision === revision;",
  replace: "run.isDelete = run.revision === revision;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** An actor whose time is over is deleted although it was committed since that was found. */
export const mutation: Mutation = {
  invariant: "I18",
  target: "engine/care/unchanged-actor.ts",
  find: "run.isDelete = run.isUntouched && run.revision === revision;",
  replace: "run.isDelete = run.isUntouched;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A state that is encrypted anew counts as changed, so that its owner's next commit is refused. */
export const mutation: Mutation = {
  invariant: "I1",
  target: "statestores/memory/sealed.ts",
  find: "found.state = by.stored.state;",
  replace: "found.state = by.stored.state;\n      found.etag = `${found.etag}-`;",
};

import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A restore takes what it found when it was called, and not what is kept when it has its turn. */
export const mutation: Mutation = {
  invariant: "I3",
  target: "engine/care/stored-actor.ts",
  find: `    await this.readRevision(revision);
    const request = { payload: { revision }, options };
    await reasonOf(
      this.#call("restore", request, async (context) => {
        // In its turn: it may have been deleted meanwhile, and nothing of that may come back.
        context.state = this.#decode(await this.#find(revision));`,
  replace: `    const found = await this.readRevision(revision);
    const request = { payload: { revision }, options };
    await reasonOf(
      this.#call("restore", request, async (context) => {
        // In its turn: it may have been deleted meanwhile, and nothing of that may come back.
        context.state = copyValue(found, "state");`,
  noticedBy: {
    project: "behaviour",
    file: "revisions.test.ts",
    test: "^delete > is not undone by a restore that began before it and has its turn afterwards$",
  },
};

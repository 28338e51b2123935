import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** A restore takes what it found when it was called, and not what is kept when it has its turn. */
export const mutation: Mutation = {
  invariant: "I3",
  target: "engine/care/stored-actor.ts",
  find: `    await this.readRevision(revision);
    const request = { payload: { revision }, options };
    await reasonOf(
      this.#replace("restore", request, async (context) => {
        // In its turn: it may have been deleted meanwhile, and nothing of that may come back.
        const kept = await this.#find(revision);`,
  replace: `    const kept = await this.#find(revision);
    const request = { payload: { revision }, options };
    await reasonOf(
      this.#replace("restore", request, async (context) => {
        // In its turn: it may have been deleted meanwhile, and nothing of that may come back.`,
  noticedBy: {
    project: "behaviour",
    file: "revisions.test.ts",
    test: "^delete > is not undone by a restore that began before it and has its turn afterwards$",
  },
};

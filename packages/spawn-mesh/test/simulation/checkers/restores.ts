/** I3: what is restored, and what a fork begins with, is what that revision was. */
import { itemsOf } from "../run-log.ts";
import type { AppliedCommit, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "restored" | "applied">;

export function checkRestores({ restored, applied }: Log): readonly Violation[] {
  return restored.flatMap((restoring): readonly Violation[] => {
    const { actor, source, revision, startedSequence, endedSequence, outcome } = restoring;
    if (outcome !== "yes") return [];
    const was = applied.find(
      (entry) => entry.actor === source && entry.commit.revision === revision,
    );
    const until = applied.filter(
      (entry) => entry.actor === actor && entry.sequence < endedSequence,
    );
    const meanwhile = until.filter(({ sequence }) => sequence > startedSequence);
    const before = until.findLast(({ sequence }) => sequence < startedSequence);
    // Then nothing is committed.
    if (was !== undefined && before !== undefined && isSame(before, was)) return [];
    // Other actions may have gone with it in one commit, and a delete takes all of it along.
    const isDone = meanwhile.some((entry) => entry.commit.isDelete || beginsLike(entry, was));
    const what = `${actor} was not put back to revision ${revision} of ${source}`;
    return was !== undefined && isDone ? [] : [{ invariant: "I3", what }];
  });
}

export function beginsLike({ commit }: AppliedCommit, was: AppliedCommit | undefined): boolean {
  const items = itemsOf(commit);
  return was !== undefined && itemsOf(was.commit).every((item, index) => items[index] === item);
}

function isSame(one: AppliedCommit, other: AppliedCommit): boolean {
  return beginsLike(one, other) && beginsLike(other, one);
}

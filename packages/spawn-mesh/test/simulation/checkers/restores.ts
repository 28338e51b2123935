/** I3: what is restored, and what a fork begins with, is what that revision was. */
import { isBroken, itemsOf } from "../run-log.ts";
import type { AppliedCommit, Restoring, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "restored" | "applied" | "isExclusive">;

export function checkRestores({ restored, applied, isExclusive }: Log): readonly Violation[] {
  // Elsewhere somebody may see a state from before, and have nothing to change of that.
  if (!isExclusive) return [];
  return restored.flatMap((restoring): readonly Violation[] => {
    const { actor, source, revision, startedSequence, endedSequence, outcome } = restoring;
    // Of two at a time, the second may have taken the first along.
    const isAlone = !restored.some((other) => other !== restoring && overlap(other, restoring));
    if (outcome !== "yes" || !isAlone) return [];
    const was = applied.find(
      (entry) => entry.actor === source && entry.commit.revision === revision,
    );
    const until = applied.filter(
      (entry) => entry.actor === actor && entry.sequence < endedSequence,
    );
    const meanwhile = until.filter((entry) => entry.sequence > startedSequence && !isBroken(entry));
    const before = until.findLast(({ sequence }) => sequence < startedSequence);
    // Then nothing is committed.
    if (was !== undefined && before !== undefined && isSame(before, was) && !isBroken(before))
      return [];
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

function overlap(one: Restoring, other: Restoring): boolean {
  const isSameActor = one.actor === other.actor;
  return (
    isSameActor &&
    one.startedSequence < other.endedSequence &&
    other.startedSequence < one.endedSequence
  );
}

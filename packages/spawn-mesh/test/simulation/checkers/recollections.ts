/**
 * I21: what is said to have been the state at a time was committed by then, and was the present one at some
 * moment of the time between two kept revisions before; and there is an answer as long as revisions are kept.
 */
import { itemsOf } from "../run-log.ts";
import type { AppliedCommit, Recollection, RunLog, Violation } from "../run-log.ts";

type Log = Pick<
  RunLog,
  "applied" | "recollections" | "revisionsKeptMs" | "snapshotTimeoutMs" | "setBacks"
>;

export function checkRecollections(log: Log): readonly Violation[] {
  const { applied, recollections, setBacks } = log;
  // The times of commits mean little then.
  if (setBacks.length > 0) return [];
  const byActor = Map.groupBy(applied, ({ actor }) => actor);
  return recollections.flatMap((recollection): readonly Violation[] => {
    const { actor, time, endedSequence } = recollection;
    const commits = (byActor.get(actor) ?? []).filter(({ sequence }) => sequence < endedSequence);
    const problem = problemOf(recollection, commits, log);
    if (problem === undefined) return [];
    return [{ invariant: "I21", what: `the state of ${actor} at ${time} ${problem}` }];
  });
}

function problemOf(
  { time, wall, startedSequence, answer }: Recollection,
  commits: readonly AppliedCommit[],
  { revisionsKeptMs, snapshotTimeoutMs }: Log,
): string | undefined {
  if (answer === undefined) {
    if (time < wall - revisionsKeptMs) return undefined;
    const was = commits.findLast(
      ({ sequence, commit }) => sequence < startedSequence && commit.at <= time,
    );
    if (was === undefined) return undefined;
    // What a delete ends is gone.
    const isGone = commits.slice(commits.indexOf(was)).some(({ commit }) => commit.isDelete);
    return isGone ? undefined : "is not kept";
  }
  const at = commits.findIndex(({ commit }) => commit.revision === answer.revision);
  const was = commits[at];
  if (was === undefined || was.commit.at > time) return "was no state yet";
  const isSame = JSON.stringify(itemsOf(was.commit)) === JSON.stringify(answer.items);
  if (!isSame) return "was another one";
  const next = commits[at + 1];
  const isLate = next === undefined || next.sequence >= startedSequence;
  if (isLate || next.commit.at > time - snapshotTimeoutMs) return undefined;
  return time < wall - revisionsKeptMs ? undefined : "had been replaced long before";
}

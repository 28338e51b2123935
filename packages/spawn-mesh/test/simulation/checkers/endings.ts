/**
 * What an actor does last when it deletes itself.
 *
 * I3: nothing is done behind that, and it is not done without the delete; its timers end with it.
 * I6: what it sends goes with the delete, so that each delete that nobody asked for from outside tells of itself.
 */
import { lastListOf } from "../run-log.ts";
import type { AppliedCommit, RunLog, Violation } from "../run-log.ts";
import { postCommits } from "./post-commits.ts";

type Log = Pick<RunLog, "applied" | "messages" | "asked" | "operations">;

export function checkEndings(log: Log): readonly Violation[] {
  const mortals = log.applied.filter(({ role }) => role === "post-mortal");
  const deletes = mortals.filter(({ commit }) => commit.isDelete);
  const withTimers = deletes.filter(({ commit }) => commit.sends.some(({ isTimer }) => isTimer));
  const silent = deletes.filter(
    (entry) => lastListOf(entry.commit) === undefined && !isWanted(entry, log),
  );
  return [
    ...goesOn(log),
    ...withTimers.map((entry) => violation("I3", entry, "deletes, and starts a timer")),
    ...silent.map((entry) => violation("I6", entry, "deletes, and tells nobody")),
  ];
}

function violation(
  invariant: Violation["invariant"],
  { actor, commit }: AppliedCommit,
  what: string,
): Violation {
  return { invariant, what: `revision ${commit.revision} of ${actor} ${what}` };
}

/** Whether somebody else may have wanted that delete. */
function isWanted({ actor, sequence }: AppliedCommit, { operations }: Log): boolean {
  return operations.some(
    ({ kind, actor: wanted, outcome, startedSequence, endedSequence }) =>
      kind === "delete" &&
      wanted === actor &&
      startedSequence < sequence &&
      (outcome === "unknown" || (outcome === "yes" && sequence < endedSequence)),
  );
}

/** Commits in which something was done that was to be the last, and was not. */
function goesOn(log: Log): readonly Violation[] {
  return postCommits(log).flatMap(({ entry, items, payloadOf }) =>
    items
      .filter((item) => !item.includes(">") && payloadOf(item)?.isLast === true)
      .filter((item) => !entry.commit.isDelete || items.at(-1) !== item)
      .map((item) => violation("I3", entry, `goes on after ${item}, which was to be the last`)),
  );
}

/**
 * I13: a list that nobody can read answers nobody, and stays as it is until somebody deletes it or puts it
 * back to what it was; then it is kept as a revision.
 */
import { isBroken } from "../run-log.ts";
import type { AppliedCommit, Operation, RunLog, Violation } from "../run-log.ts";
import { isRestoredBy } from "./chains.ts";

type Log = Pick<RunLog, "applied" | "restored" | "operations" | "isExclusive">;

export function checkBrokenRows({
  applied,
  restored,
  operations,
  isExclusive,
}: Log): readonly Violation[] {
  const brokenLists = Map.groupBy(
    applied.filter(({ role }) => role === "deletable"),
    ({ actor }) => actor,
  );
  const violation = (what: string): Violation => ({ invariant: "I13", what });
  return [...brokenLists].flatMap(([actor, commits]) => {
    const ofActor = operations.filter((operation) => operation.actor === actor);
    return commits.flatMap((entry, at): readonly Violation[] => {
      if (!isBroken(entry)) return [];
      const next = commits[at + 1];
      const violations: Violation[] = [];
      const isRestored =
        next !== undefined && restored.some((one) => isRestoredBy(one, next, applied));
      if (next !== undefined && !next.commit.isDelete && !isRestored)
        violations.push(violation(`${actor} could not be read, and was changed`));
      if (isRestored && !next.commit.isDelete && next.commit.revisionsKept === 0)
        violations.push(violation(`what could not be read of ${actor} was not kept`));
      // Elsewhere somebody may see a state from before.
      const answered = isExclusive
        ? ofActor.filter((operation) => isMeanwhile(operation, entry, next))
        : [];
      for (const { kind } of answered)
        violations.push(violation(`${actor} could not be read, and answered ${kind}`));
      return violations;
    });
  });
}

/** Whether it was done all the while that nobody could read the list. */
function isMeanwhile(
  { outcome, startedSequence, endedSequence }: Operation,
  broken: AppliedCommit,
  next: AppliedCommit | undefined,
): boolean {
  const until = next?.sequence ?? Infinity;
  return outcome === "yes" && startedSequence > broken.sequence && endedSequence < until;
}

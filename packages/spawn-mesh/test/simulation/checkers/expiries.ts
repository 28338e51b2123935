/**
 * I18: an actor expires when nothing of it was committed for as long as its definition says, by the clock of
 * whoever looked, and nothing is committed between that look and the delete.
 */
import type { AppliedCommit, Look, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "applied" | "looks" | "expireAfterMs">;

export function checkExpiries({ applied, looks, expireAfterMs }: Log): readonly Violation[] {
  const last = new Map<string, AppliedCommit>();
  return applied.flatMap((entry): readonly Violation[] => {
    const { actor, role, commit, sequence } = entry;
    if (role !== "fleeting") return [];
    const before = last.get(actor);
    last.set(actor, entry);
    if (!commit.isDelete) return [];
    const wasOver = ({ sequence: lookedAt, wall }: Look): boolean =>
      before !== undefined &&
      before.sequence < lookedAt &&
      lookedAt < sequence &&
      before.commit.at < wall - expireAfterMs;
    if (looks.some(wasOver)) return [];
    const what = `${actor} expired at revision ${commit.revision}, and its time was not over`;
    return [{ invariant: "I18", what }];
  });
}

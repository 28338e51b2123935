/**
 * I15: whatever is limited stayed below its limit, every call was answered by its deadline, and when
 * the faults were over everything came to rest.
 */
import type { Attempt, RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "peaks" | "leftOver" | "attempts" | "pauses">;

/** Timers tick in whole milliseconds. */
const LATE_MS_MAX = 3;

export function checkBounds({ peaks, leftOver, attempts, pauses }: Log): readonly Violation[] {
  const violation = (what: string): Violation => ({ invariant: "I15", what });
  return [
    ...peaks
      .filter(({ peak, limit }) => peak > limit)
      .map(({ what, peak, limit }) => violation(`${what}: ${peak}, at most ${limit}`)),
    ...attempts
      .map((attempt) => ({ attempt, lateMs: latenessMs(attempt, pauses) }))
      .filter(({ lateMs }) => lateMs > LATE_MS_MAX)
      .map(({ attempt, lateMs }) =>
        violation(
          `${attempt.operation.kind} ${attempt.operation.value ?? ""} of ${attempt.operation.actor} was answered ${lateMs} ms after its deadline`,
        ),
      ),
    ...leftOver.map((what) => violation(`no rest after all faults were over: ${what}`)),
  ];
}

/** How long after its deadline a call was answered; time in which its incarnation stood still is free. */
function latenessMs(attempt: Attempt, pauses: RunLog["pauses"]): number {
  const { owner, startedAt, deadlineMs, endedAt } = attempt;
  if (endedAt === undefined || endedAt <= startedAt + deadlineMs) return 0;
  const awakeFrom = pauses
    .filter((pause) => pause.owner === owner && pause.from <= endedAt)
    .reduce((latest, { until }) => Math.max(latest, until), startedAt + deadlineMs);
  return endedAt - awakeFrom;
}

/**
 * When a repeated message comes next.
 *
 * Times are planned from the time planned before and never from when it was delivered, so that they
 * do not drift. What happens to times that passed meanwhile is the message's own choice.
 */
import { SpawnError, describeThrown } from "../errors.ts";
import type { PlannedRepetition, Repetition } from "../message-store.ts";

/**
 * PORT: what a cron expression means.
 *
 * The first time (wall) after `after` that fits, or `undefined` if there is none; throws when the
 * expression or the time zone makes no sense.
 */
export type CronTimes = (cron: string, timeZone: string, after: number) => number | undefined;

/** For engines without an SDK around them. */
export const noCronTimes: CronTimes = () => {
  throw new TypeError("this engine knows no cron expressions");
};

/** A time that passed so long ago counts as missed, in milliseconds. */
const LATE_MS_MAX = 5_000;

/**
 * When it comes first.
 *
 * @param from the time that was asked for, or now
 * @throws {SpawnError} `INVALID_ARGUMENT` for a cron expression that means nothing, or never comes
 */
export function firstTime(
  repeat: Repetition,
  from: number,
  { cronTimes, isAsked }: { readonly cronTimes: CronTimes; readonly isAsked: boolean },
): number {
  if ("everyMs" in repeat) return isAsked ? from : from + repeat.everyMs;
  const first = cronTime(repeat, isAsked ? from - 1 : from, cronTimes);
  if (first !== undefined) return first;
  throw new SpawnError("INVALID_ARGUMENT", `options.cron: ${repeat.cron} never comes`);
}

/**
 * When it comes after the time that it was planned for; `undefined` if never.
 *
 * @param now the present (wall)
 */
export function nextTime(
  repeat: PlannedRepetition,
  now: number,
  cronTimes: CronTimes,
): number | undefined {
  // It comes before its time only when the clock was set back: then it is planned anew.
  const planned = Math.min(repeat.plannedAt, now);
  const after = repeat.catchUp === "all" ? planned : now;
  if (!("everyMs" in repeat)) return cronTime(repeat, after, cronTimes);
  const { everyMs } = repeat;
  return planned + (Math.floor((after - planned) / everyMs) + 1) * everyMs;
}

/** Whether the time that it was planned for is left out, because that was too long ago. */
export function isMissed(repeat: PlannedRepetition, now: number): boolean {
  return repeat.catchUp === "skip" && now - repeat.plannedAt > LATE_MS_MAX;
}

function cronTime(
  { cron, timeZone }: Extract<Repetition, { readonly cron: string }>,
  after: number,
  cronTimes: CronTimes,
): number | undefined {
  try {
    return cronTimes(cron, timeZone, after);
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", `options.cron: ${describeThrown(cause)}`, { cause });
  }
}

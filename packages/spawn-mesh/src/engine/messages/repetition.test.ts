import { describe, expect, test } from "vitest";
import type { PlannedRepetition, Repetition } from "../message-store.ts";
import { firstTime, isMissed, nextTime, noCronTimes } from "./repetition.ts";
import type { CronTimes } from "./repetition.ts";

/** Comes at every full thousand, and never after ten thousand. */
const thousands: CronTimes = (_cron, _timeZone, after) => {
  const next = (Math.floor(after / 1_000) + 1) * 1_000;
  return next > 10_000 ? undefined : next;
};

const every: Repetition = { everyMs: 100, catchUp: "one" };
const byCron: Repetition = { cron: "…", timeZone: "UTC", catchUp: "one" };

function planned(repetition: Repetition, plannedAt: number): PlannedRepetition {
  return { ...repetition, plannedAt };
}

describe("the first time", () => {
  test("of a period is one period from now, or the time that was asked for", () => {
    const cronTimes = noCronTimes;
    expect(firstTime(every, 1_000, { cronTimes, isAsked: false })).toBe(1_100);
    expect(firstTime(every, 1_000, { cronTimes, isAsked: true })).toBe(1_000);
  });

  test("of a cron expression comes after now, and may be the time that was asked for", () => {
    expect(firstTime(byCron, 1_000, { cronTimes: thousands, isAsked: false })).toBe(2_000);
    expect(firstTime(byCron, 1_000, { cronTimes: thousands, isAsked: true })).toBe(1_000);
  });

  test("that never comes is refused", () => {
    const first = () => firstTime(byCron, 10_000, { cronTimes: thousands, isAsked: false });
    expect(first).toThrow("[INVALID_ARGUMENT] options.cron: … never comes");
  });
});

describe("the next time", () => {
  test("is planned from the time before, however late that was delivered", () => {
    expect(nextTime(planned(every, 1_000), 1_001, noCronTimes)).toBe(1_100);
    expect(nextTime(planned(every, 1_000), 1_099, noCronTimes)).toBe(1_100);
  });

  test("leaves out those that have passed, and never drifts", () => {
    expect(nextTime(planned(every, 1_000), 1_100, noCronTimes)).toBe(1_200);
    expect(nextTime(planned(every, 1_000), 5_555, noCronTimes)).toBe(5_600);
    expect(nextTime(planned(byCron, 1_000), 5_555, thousands)).toBe(6_000);
  });

  test("leaves out none for who wants all of them", () => {
    const all = { ...every, catchUp: "all" } as const;
    expect(nextTime(planned(all, 1_000), 5_555, noCronTimes)).toBe(1_100);
    expect(nextTime(planned({ ...byCron, catchUp: "all" }, 1_000), 5_555, thousands)).toBe(2_000);
  });

  test("is planned anew when the clock was set back", () => {
    expect(nextTime(planned(every, 1_000), 500, noCronTimes)).toBe(600);
    expect(nextTime(planned(byCron, 2_000), 500, thousands)).toBe(1_000);
  });

  test("may not come", () => {
    expect(nextTime(planned(byCron, 10_000), 10_001, thousands)).toBeUndefined();
  });
});

test("a time is missed after five seconds, for who wants to skip what is late", () => {
  const skip = { ...every, catchUp: "skip" } as const;
  expect(isMissed(planned(skip, 1_000), 6_000)).toBe(false);
  expect(isMissed(planned(skip, 1_000), 6_001)).toBe(true);
  expect(isMissed(planned(every, 1_000), 60_000)).toBe(false);
});

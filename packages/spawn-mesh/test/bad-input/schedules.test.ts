/** Times that make no sense, or come twice, or never: refused, or what a careful reader of a calendar would do. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { SendOptions } from "spawn-mesh";
import { VirtualClock } from "spawn-mesh/testing";
import { errorOf, startSystem } from "../behaviour/start-system.ts";
import { list, pass, start } from "./scripted-actor.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

/** The first times at which a message comes that is repeated so, from `begin` on. */
async function timesOf(begin: string, options: SendOptions, count: number): Promise<string[]> {
  const clock = new VirtualClock();
  await clock.advance(Date.parse(begin) - clock.wall());
  const started = await startSystem([list], { clock });
  const id = await started.system.effect(list, "l").add(1, options);
  const times: string[] = [];
  for (;;) {
    const [waiting] = await started.system.messages.list();
    expect(waiting?.id).toBe(id);
    times.push(new Date(waiting!.dueAt).toISOString());
    if (times.length === count) break;
    await clock.advance(waiting!.dueAt - clock.wall());
    await pass(started, 10);
  }
  return times;
}

describe("a cron expression", () => {
  test("whose hour is left out in spring comes when that hour would have begun, and then as ever", async () => {
    const cron = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
    // On 29 March 2026 the clock goes from 02:00 to 03:00.
    expect(await timesOf("2026-03-27T12:00:00Z", cron, 4)).toEqual([
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
      "2026-03-31T00:30:00.000Z",
    ]);
  });

  test("whose hour comes twice in autumn comes once that day", async () => {
    const cron = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
    // On 25 October 2026 the clock goes from 03:00 back to 02:00.
    expect(await timesOf("2026-10-24T12:00:00Z", cron, 3)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
      "2026-10-27T01:30:00.000Z",
    ]);
  });

  test.each(["2026-03-29T00:30:00Z", "2026-10-24T23:30:00Z"])(
    "of every hour comes every hour, when the clock is changed too: %s",
    async (begin) => {
      const cron = { cron: "0 * * * *", timeZone: "Europe/Berlin" };
      const times = (await timesOf(begin, cron, 5)).map((time) => Date.parse(time));
      const first = Date.parse(begin) + HOUR_MS / 2;
      expect(times).toEqual([0, 1, 2, 3, 4].map((hour) => first + hour * HOUR_MS));
    },
  );

  test("of 29 February waits for a leap year", async () => {
    expect(await timesOf("2026-01-01T00:00:00Z", { cron: "0 0 29 2 *" }, 1)).toEqual([
      "2028-02-29T00:00:00.000Z",
    ]);
  });
});

describe("a time", () => {
  test("in the past is now, and one of a hundred years ahead waits", async () => {
    const started = await start();
    const { system, clock } = started;
    await system.actor(list, "l").add("past", { scheduledTo: 0 });
    const far = clock.wall() + 100 * YEAR_MS;
    await system.actor(list, "l").add("far", { scheduledTo: far });
    await pass(started, 10);
    expect(await system.actor(list, "l").get()).toEqual({ items: ["past"] });
    expect(await system.messages.list()).toMatchObject([{ dueAt: far }]);
    await pass(started, 30 * DAY_MS);
    expect(await system.messages.list()).toMatchObject([{ dueAt: far, attempts: 0 }]);
  });

  test.each<[string, object]>([
    ["a delay of 101 years", { delayMs: 101 * 366 * DAY_MS }],
    ["a negative delay", { delayMs: -1 }],
    ["a delay of NaN", { delayMs: Number.NaN }],
    ["a delay as text", { delayMs: "soon" }],
    ["a time as text", { scheduledTo: "2030-01-01" }],
    ["a delay and a time", { delayMs: 1, scheduledTo: 1 }],
    ["a delay and an idempotency key", { delayMs: 1, idempotencyKey: "k" }],
    ["a repetition", { everyMs: 5 }],
  ])("of a call is refused: %s", async (_what, options) => {
    const { system, store } = await start();
    const error = await errorOf(system.actor(list, "l").add(1, options as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(store.commits).toEqual([]);
    expect(await system.messages.list()).toEqual([]);
  });

  test("of 0 ms for a repetition of one millisecond starves nobody, and is cancelled", async () => {
    const started = await start();
    const { system } = started;
    const id = await system.effect(list, "l").add("tick", { everyMs: 1 });
    await pass(started, 200, 200);
    await system.actor(list, "l").add("call");
    const { items } = await system.actor(list, "l").get();
    expect(items).toContain("call");
    expect(items.length).toBeGreaterThan(20);
    expect(await system.messages.cancel(id)).toBe(true);
    const before = (await system.actor(list, "l").get()).items.length;
    await pass(started, 100);
    expect((await system.actor(list, "l").get()).items).toHaveLength(before);
  });
});

describe("a timer", () => {
  const define = (timer: unknown) => () =>
    actor("clockwork", {
      state: () => ({ n: 0 }),
      actions: { tick: (ctx) => ++ctx.state.n },
      timers: [timer as never],
    });

  test.each<[string, unknown, string]>([
    ["every 0 ms", { action: "tick", everyMs: 0 }, "options.everyMs"],
    ["every -1 ms", { action: "tick", everyMs: -1 }, "options.everyMs"],
    ["every NaN ms", { action: "tick", everyMs: Number.NaN }, "options.everyMs"],
    ["every 300 years", { action: "tick", everyMs: 300 * 366 * DAY_MS }, "options.everyMs"],
    ["every so often, as text", { action: "tick", everyMs: "1000" }, "options.everyMs"],
    ["by nothing", { action: "tick" }, "expected everyMs or cron"],
    ["by two rules", { action: "tick", everyMs: 5, cron: "* * * * *" }, "got both"],
    ["on 31 February", { action: "tick", cron: "0 0 31 2 *" }, "never comes"],
    ["by nonsense", { action: "tick", cron: "soon" }, "options.cron"],
    ["in no time zone", { action: "tick", cron: "* * * * *", timeZone: "" }, "options.timeZone"],
    [
      "on Mars",
      { action: "tick", cron: "* * * * *", timeZone: "Mars/Olympus" },
      'timeZone: expected the IANA name of one, such as "Europe/Berlin", got "Mars/Olympus"',
    ],
    ["for no action", { everyMs: 5 }, "there is no action"],
    ["for an action that is not there", { action: "tock", everyMs: 5 }, "there is no action"],
    ["for an action of every object", { action: "toString", everyMs: 5 }, "there is no action"],
    ["with a payload that is none", { action: "tick", everyMs: 5, payload: new Map() }, "payload"],
    ["that is null", null, "timer"],
    ["that is a number", 5, "timer"],
    ["with an option that is not there", { action: "tick", everyMs: 5, every: 1 }, "every"],
  ])("%s is refused with its definition", (_what, timer, said) => {
    expect(define(timer)).toThrow("[INVALID_ARGUMENT]");
    expect(define(timer)).toThrow(said);
  });

  test.each([5, "tick", {}])("that is in no list is refused: %s", (timers) => {
    expect(() => actor("odd", { actions: { tick() {} }, timers } as never)).toThrow(
      "[INVALID_ARGUMENT]",
    );
  });
});

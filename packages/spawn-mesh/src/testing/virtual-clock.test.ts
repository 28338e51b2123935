import { describe, expect, test } from "vitest";
import { sleep } from "../engine/clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

describe("a virtual clock", () => {
  test("stands still until it is told to move, and tells the same time on both scales", async () => {
    const clock = new VirtualClock({ wallStartMs: 1_000 });
    let ran = 0;
    clock.timer(10, () => ran++);
    await new Promise((resolve) => setImmediate(resolve));
    expect([clock.monotonic(), clock.wall(), ran]).toEqual([0, 1_000, 0]);
    await clock.advance(9.5);
    expect([clock.monotonic(), clock.wall(), ran]).toEqual([9.5, 1_009, 0]);
    await clock.advance(0.5);
    expect(ran).toBe(1);
  });

  test("runs events in the order of time, and at the same time in the order they were set", async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const delays = [5, 1, 3, 1, 4, 2, 5, 0];
    for (const [index, delayMs] of delays.entries()) {
      clock.timer(delayMs, () => order.push(`${delayMs}.${index}`));
    }
    clock.yield(() => order.push("yield"));
    await clock.advance(5);
    expect(order).toEqual(["0.7", "yield", "1.1", "1.3", "2.5", "3.2", "4.4", "5.0", "5.6"]);
  });

  test("lets promises go on between two events, however long their chain", async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.timer(1, () => {
      void (async () => {
        for (let round = 0; round < 50; round++) await Promise.resolve();
        order.push("the chain of the first");
      })();
    });
    clock.timer(1, () => order.push("second"));
    await clock.advance(1);
    expect(order).toEqual(["the chain of the first", "second"]);
  });

  test("fires timers at their own time, also those that were set on the way", async () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const periodically = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await sleep(clock, 10);
        times.push(clock.monotonic());
      }
    };
    const done = periodically();
    await clock.advance(100);
    await done;
    expect(times).toEqual([10, 20, 30]);
    expect(clock.monotonic()).toBe(100);
  });

  test("forgets a cancelled timer, and counts what is left", async () => {
    const clock = new VirtualClock();
    let ran = 0;
    const first = clock.timer(1, () => ran++);
    clock.timer(2, () => ran++);
    expect([clock.pending, clock.nextAt]).toEqual([2, 1]);
    first.cancel();
    first.cancel();
    expect([clock.pending, clock.nextAt]).toEqual([1, 2]);
    await clock.advance(5);
    first.cancel();
    expect([ran, clock.pending, clock.nextAt]).toEqual([1, 0, undefined]);
  });

  test("steps event by event", () => {
    const clock = new VirtualClock();
    const order: number[] = [];
    clock.timer(7, () => order.push(7));
    clock.timer(3, () => order.push(3));
    expect(clock.step()).toBe(true);
    expect([clock.monotonic(), order]).toEqual([3, [3]]);
    expect(clock.step()).toBe(true);
    expect(clock.step()).toBe(false);
    expect([clock.monotonic(), order]).toEqual([7, [3, 7]]);
  });
});

import { describe, expect, test } from "vitest";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { RunQueue } from "./run-queue.ts";
import { Time } from "./time.ts";

const queueOn = (clock: VirtualClock): RunQueue => new RunQueue(clock, new Time(clock));

/** Has `left` actions to run, and comes again while some are left. */
function runnable(queue: RunQueue, name: string, work: { left: number; log: string[] }) {
  const self = {
    turn(actionsMax: number) {
      const ran = Math.min(work.left, actionsMax);
      work.left -= ran;
      work.log.push(`${name} ${ran}`);
      if (work.left > 0) queue.push(self);
      return ran;
    },
  };
  return self;
}

/** A clock that shows what it is told to. */
class SetClock extends VirtualClock {
  shows = 0;

  override monotonic(): number {
    return this.shows;
  }
}

const microtasks = async (): Promise<void> => {
  for (let round = 0; round < 100; round++) await Promise.resolve();
};

describe("a run queue", () => {
  test("runs nothing before the caller has gone on", async () => {
    const log: string[] = [];
    const queue = queueOn(new VirtualClock());
    queue.push(runnable(queue, "a", { left: 1, log }));
    log.push("pushed");
    await microtasks();
    expect(log).toEqual(["pushed", "a 1"]);
  });

  test("gives turns in order, a bounded number of actions each", async () => {
    const log: string[] = [];
    const queue = queueOn(new VirtualClock());
    queue.push(runnable(queue, "a", { left: 600, log }));
    queue.push(runnable(queue, "b", { left: 1, log }));
    await microtasks();
    expect(log).toEqual(["a 256", "b 1", "a 256", "a 88"]);
  });

  test("steps back behind input and output now and then", async () => {
    const log: string[] = [];
    const clock = new VirtualClock();
    const queue = queueOn(clock);
    const work = { left: 1_000_000, log };
    queue.push(runnable(queue, "a", work));
    await microtasks();
    expect(1_000_000 - work.left).toBeLessThan(3_000);
    expect(clock.pending).toBe(1);
    await clock.advance(0);
    expect(work.left).toBe(0);
  });

  test("steps back sooner when actions are slow, and those behind keep their order", async () => {
    const log: string[] = [];
    const clock = new VirtualClock();
    const time = new Time(clock);
    const queue = new RunQueue(clock, time);
    for (let index = 0; index < 30; index++) {
      queue.push({
        turn() {
          log.push(`${index}`);
          time.last += 1;
          return 1;
        },
      });
    }
    await microtasks();
    expect([log.length, clock.pending]).toEqual([10, 1]);
    await clock.advance(0);
    expect(log).toEqual(Array.from({ length: 30 }, (_, index) => `${index}`));
  });

  describe("when calls come in", () => {
    test("reads the clock once for those before its turn, and anew after it", async () => {
      const clock = new SetClock();
      const queue = queueOn(clock);
      clock.shows = 5;
      expect(queue.timeOfCall()).toBe(5);
      clock.shows = 6;
      expect(queue.timeOfCall()).toBe(5);
      await microtasks();
      clock.shows = 7;
      expect(queue.timeOfCall()).toBe(7);
    });

    test("reads it for each while input and output may come before its turn", async () => {
      const clock = new SetClock();
      const queue = queueOn(clock);
      queue.push(runnable(queue, "a", { left: 1_000_000, log: [] }));
      await microtasks();
      expect(clock.pending).toBe(1);
      clock.shows = 5;
      expect(queue.timeOfCall()).toBe(5);
      clock.shows = 6;
      expect(queue.timeOfCall()).toBe(6);
    });

    test("reads it for each that an action makes", async () => {
      const clock = new SetClock();
      const queue = queueOn(clock);
      const times: number[] = [];
      queue.push({
        turn() {
          for (clock.shows of [5, 6]) times.push(queue.timeOfCall());
          return 1;
        },
      });
      await microtasks();
      expect(times).toEqual([5, 6]);
    });
  });
});

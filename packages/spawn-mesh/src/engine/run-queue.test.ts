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
});

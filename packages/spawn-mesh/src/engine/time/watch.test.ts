import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { Watch } from "./watch.ts";

/** Something watched that notes when it was due. */
function item(clock: VirtualClock, dueAt: number) {
  const times: number[] = [];
  const watched = {
    dueAt,
    times,
    onDue(now: number) {
      times.push(clock.monotonic());
      expect(now).toBe(clock.monotonic());
      watched.dueAt = Infinity;
    },
  };
  return watched;
}

describe("a watch", () => {
  test("calls each at its time, and never before", async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    const items = [30, 10, 20].map((dueAt) => item(clock, dueAt));
    for (const watched of items) watch.add(watched);
    await clock.advance(100);
    expect(items.map(({ times }) => times)).toEqual([[30], [10], [20]]);
  });

  test("uses one timer for all, and none when nobody waits", () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    const items = Array.from({ length: 1_000 }, (_, index) => item(clock, 1_000 - index));
    for (const watched of items) watch.add(watched);
    expect(clock.pending).toBe(1);
    for (const watched of items) watch.delete(watched);
    expect(clock.pending).toBe(0);
  });

  test("hears that something is due sooner, but forgets nobody who is due later", async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    const [late, early] = [item(clock, 50), item(clock, Infinity)];
    watch.add(late);
    watch.add(early);
    early.dueAt = 5;
    watch.sooner(5);
    await clock.advance(100);
    expect([early.times, late.times]).toEqual([[5], [50]]);
  });

  test("calls nobody who left, not even when another one makes him leave", async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    const gone = item(clock, 10);
    const times: number[] = [];
    const first = {
      dueAt: 10,
      onDue(now: number) {
        times.push(now);
        first.dueAt = Infinity;
        watch.delete(gone);
      },
    };
    watch.add(first);
    watch.add(gone);
    watch.add(item(clock, Infinity));
    await clock.advance(20);
    expect([times, gone.times]).toEqual([[10], []]);
  });

  test("tells when nobody waits any more", async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    await watch.whenEmpty();
    const one = item(clock, 10);
    watch.add(one);
    let isEmpty = false;
    const waiting = watch.whenEmpty().then(() => (isEmpty = true));
    await clock.advance(20);
    expect(isEmpty).toBe(false);
    watch.clear();
    await waiting;
    expect(watch.all).toEqual([]);
  });

  test("looks again at those due in a year", async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    const year = 365 * 24 * 60 * 60 * 1_000;
    const patient = item(clock, 100_000);
    watch.add(patient);
    watch.add(item(clock, year));
    await clock.advance(100_001);
    expect(patient.times).toEqual([100_000]);
  });
});

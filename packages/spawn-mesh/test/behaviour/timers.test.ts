/** Timers, which an actor has by its definition. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { Timer } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { VirtualClock } from "spawn-mesh/testing";
import { pass, START } from "./diary.ts";
import { crashAndRestart, makeSystem, quiet, settled, startSystem } from "./start-system.ts";

/** Grows by its timer. */
function petThatGrows(everyMs: number) {
  return actor("pet", {
    kind: "unnamed",
    state: () => ({ age: 0 }),
    actions: {
      grow(ctx) {
        ctx.state.age++;
      },
    },
    timers: [{ action: "grow", everyMs }],
  });
}

/** Counts the timers that are set. */
class CountingClock extends VirtualClock {
  timers = 0;

  override timer(delayMs: number, action: () => void): Timer {
    this.timers++;
    return super.timer(delayMs, action);
  }
}

describe("a timer", () => {
  const clockwork = actor("clockwork", {
    state: () => ({ ticks: [] as number[] }),
    actions: {
      tick(ctx, by: number) {
        ctx.state.ticks.push(ctx.now - START, by);
      },
    },
    timers: [{ action: "tick", everyMs: 1_000, payload: 7 }],
  });

  test("begins with the system, survives it, and brings the actor back to life", async () => {
    const first = await startSystem([clockwork]);
    await pass(first, 2_500, 250);
    expect((await first.system.actor(clockwork).get()).ticks).toEqual([1_000, 7, 2_000, 7]);
    const second = await crashAndRestart(first, [clockwork]);
    await pass(second, 1_000, 100);
    expect((await second.system.actor(clockwork).get()).ticks).toEqual([
      1_000, 7, 2_000, 7, 3_000, 7,
    ]);
    expect(await second.system.messages.list()).toHaveLength(1);
  });

  test("that fails for minutes goes on when its code is right again", async () => {
    let isBroken = true;
    const broken = actor("broken", {
      state: () => ({ ticks: 0 }),
      actions: {
        tick(ctx) {
          if (isBroken) throw new Error("broken");
          ctx.state.ticks++;
        },
      },
      timers: [{ action: "tick", everyMs: 1_000 }],
    });
    const first = await startSystem([broken]);
    await pass(first, 300_000, 600);
    isBroken = false;
    const second = await crashAndRestart(first, [broken]);
    await pass(second, 150_000, 600);
    expect((await second.system.actor(broken).get()).ticks).toBeGreaterThan(10);
    const [parked] = await second.system.messages.listParked();
    const { ticks } = await second.system.actor(broken).get();
    await second.system.messages.retry(parked!.id);
    await second.clock.advance(0);
    await settled();
    expect((await second.system.actor(broken).get()).ticks).toBe(ticks + 1);
  });

  test("whose definition has changed is another one, and the old one goes", async () => {
    const first = await startSystem([clockwork]);
    await pass(first, 1_500, 150);
    const changed = actor("clockwork", {
      state: () => ({ ticks: [] as number[] }),
      actions: {
        tick(ctx, by: number) {
          ctx.state.ticks.push(ctx.now - START, by);
        },
      },
      timers: [{ action: "tick", everyMs: 400, payload: 8 }],
    });
    first.system.crash();
    const second = await startSystem([changed], { inner: first.inner, clock: first.clock });
    await pass(second, 1_000, 100);
    expect((await second.system.actor(changed).get()).ticks).toEqual([
      1_000, 7, 1_900, 8, 2_300, 8,
    ]);
    expect(await second.system.messages.list()).toHaveLength(1);
  });

  test("of an unnamed actor begins with its first call, and ends when it is deleted", async () => {
    const pet = petThatGrows(100);
    const started = await startSystem([pet]);
    const { system } = started;
    await pass(started, 500);
    expect(await system.messages.list()).toEqual([]);
    expect(await system.actor(pet, "p").get()).toEqual({ age: 0 });
    await pass(started, 310, 31);
    expect(await system.actor(pet, "p").get()).toEqual({ age: 3 });
    await system.stored(pet, "p").delete();
    expect(await system.messages.list()).toEqual([]);
    await pass(started, 500, 50);
    expect(await system.messages.list()).toEqual([]);
  });

  test("begins although the first commit failed, and nobody calls the actor", async () => {
    const made = makeSystem([clockwork]);
    made.store.fail("commit", { kind: "capacity" });
    await made.system.start();
    await pass(made, 60_000);
    expect(await made.system.messages.list()).toHaveLength(1);
    expect((await made.system.actor(clockwork).get()).ticks).not.toEqual([]);
  });

  test("begins although its actor could not come to life when the system started", async () => {
    let isBroken = true;
    const late = actor("late", {
      state: () => ({ ticks: 0 }),
      init() {
        if (isBroken) throw new Error("not yet");
      },
      actions: {
        tick(ctx) {
          ctx.state.ticks++;
        },
      },
      timers: [{ action: "tick", everyMs: 1_000 }],
    });
    const started = await startSystem([late]);
    await pass(started, 500);
    isBroken = false;
    await pass(started, 10_000);
    expect((await started.system.actor(late).get()).ticks).toBeGreaterThan(0);
  });

  test("of an actor without a state begins although it could not be stored at first", async () => {
    let fired = 0;
    const job = actor("job", {
      actions: {
        run() {
          fired++;
        },
      },
      timers: [{ action: "run", everyMs: 1_000 }],
    });
    const made = makeSystem([job]);
    made.store.fail("messages", { kind: "capacity", times: 3 });
    await made.system.start();
    await pass(made, 10_000);
    expect(fired).toBeGreaterThan(0);
  });

  test("that waits behind a delete of its actor does not bring it back", async () => {
    const pet = petThatGrows(1_000);
    const started = await startSystem([pet]);
    await started.system.actor(pet, "p").grow();
    await pass(started, 1_500);
    const hold = started.store.hold("commit");
    const deleted = started.system.stored(pet, "p").delete();
    await pass(started, 1_000);
    hold.release();
    await deleted;
    await pass(started, 5_000);
    const page = { system: "test", definition: "pet", after: undefined, limit: 10 };
    expect(await started.inner.listActors(page)).toEqual([]);
    expect(await started.system.messages.list()).toEqual([]);
  });

  test("does not begin or go on with the commit that deletes its actor", async () => {
    const pet = petThatGrows(1_000);
    const started = await startSystem([pet]);
    const { system } = started;
    const stored = system.stored(pet, "new").delete();
    await Promise.all([system.actor(pet, "fed").grow(), system.stored(pet, "fed").delete()]);
    await stored;
    await system.actor(pet, "old").grow();
    const hold = started.store.hold("commit");
    const grown = system.actor(pet, "old").grow();
    await pass(started, 1_000);
    // Its timer and the delete wait for the commit before them, and go together.
    const deleted = system.stored(pet, "old").delete();
    await settled();
    hold.release();
    await Promise.all([grown, deleted]);
    expect(await system.messages.list()).toEqual([]);
    await pass(started, 5_000);
    expect((await system.actors.list()).actors).toEqual([]);
  });

  test("that was not stored costs nothing while its actor cannot be loaded again", async () => {
    const pet = petThatGrows(1_000);
    const clock = new CountingClock();
    const started = await startSystem([pet], { clock });
    started.store.fail("commit", { kind: "ambiguous", times: Infinity });
    const call = quiet(started.system.actor(pet, "p").grow());
    await pass(started, 3_000);
    const hold = started.store.hold("load");
    await pass(started, 60_000);
    clock.timers = 0;
    await pass(started, 10_000);
    expect(clock.timers).toBeLessThan(200);
    started.store.heal();
    hold.release();
    await expect(call).rejects.toThrow();
  });

  test("of an actor without a state fires too", async () => {
    const fired: number[] = [];
    const job = actor("job", {
      actions: {
        run(ctx) {
          fired.push(ctx.now - START);
        },
      },
      timers: [{ action: "run", cron: "*/5 * * * * *" }],
    });
    const started = await startSystem([job], { inner: memoryStatestore() });
    await pass(started, 10_000, 100);
    expect(fired).toHaveLength(2);
  });

  test("that makes no sense is refused with its definition", () => {
    const define = (timer: object): unknown =>
      actor("bad", { actions: { run() {} }, timers: [timer as never] });
    expect(() => define({ action: "walk", everyMs: 1 })).toThrow('there is no action "walk"');
    expect(() => define({ action: "run" })).toThrow("expected everyMs or cron");
    expect(() => define({ action: "run", everyMs: 0 })).toThrow("options.everyMs");
    expect(() => define({ action: "run", cron: "61 * * * *" })).toThrow("options.cron");
    expect(() => actor("bad", { actions: { run() {} }, channels: ["news"] })).toThrow(
      'there is no action "receive"; there are run',
    );
    expect(() => actor("bad", { actions: {}, channels: ["news" as never] })).toThrow(
      'there is no action "receive"; there are none',
    );
    expect(() => actor("bad", { actions: {}, channels: { news: "run" } as never })).toThrow(
      'expected an array of "news" or { channel: "news", action: "read" }; got object',
    );
  });
});

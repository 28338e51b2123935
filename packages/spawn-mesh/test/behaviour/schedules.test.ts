/** Messages for later and again: delays, fixed times, repetitions, cron expressions and timers. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { VirtualClock } from "spawn-mesh/testing";
import { DELIVERY_GRACE_MS } from "../../src/engine/sending.ts";
import { crashAndRestart, errorOf, makeSystem, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const diary = actor("diary", {
  kind: "unnamed",
  state: () => ({ lines: [] as string[] }),
  actions: {
    write(ctx, line: string) {
      ctx.state.lines.push(`${line} ${ctx.now - START}`);
    },
    remind(ctx, delayMs: number) {
      return ctx.effect(book, "b").write("never", { delayMs });
    },
    async remindSelf(ctx, delayMs: number) {
      await ctx.actor(book, "b").write("called later", { delayMs });
    },
  },
});

const book = actor("book", {
  kind: "unnamed",
  state: () => ({ lines: [] as string[] }),
  actions: {
    write(ctx, line: string) {
      ctx.state.lines.push(`${line} ${ctx.now - START}`);
    },
  },
});

const relay = actor("relay", {
  kind: "unnamed",
  state: () => ({ reminders: 0 }),
  actions: {
    remind(ctx, delayMs: number) {
      ctx.state.reminders++;
      ctx.effect(book, "b").write("reminded", { delayMs });
    },
  },
});

const START = new VirtualClock().wall();

async function linesOf(system: ActorSystem, name = "d"): Promise<readonly string[]> {
  return (await system.actor(diary, name).get()).lines;
}

/** Lets that much time pass, a step at a time. */
async function pass(
  { clock }: Pick<StartedSystem, "clock">,
  ms: number,
  steps = 10,
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await clock.advance(ms / steps);
    await settled();
  }
}

const actors = [diary, book];

describe("a call for later", () => {
  test("resolves when it is stored, and is delivered on time", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    expect(await system.actor(diary, "d").write("x", { delayMs: 1_000 })).toBeUndefined();
    expect(await system.actor(diary, "d").write("y", { scheduledTo: START + 500 })).toBeUndefined();
    expect(await system.messages.list()).toHaveLength(2);
    expect(await linesOf(system)).toEqual([]);
    await pass(started, 2_000, 200);
    expect(await linesOf(system)).toEqual(["y 500", "x 1000"]);
    expect(await system.messages.list()).toEqual([]);
  });

  test("comes from an action in five seconds, when that is what was asked for", async () => {
    const started = await startSystem([relay, book]);
    await started.system.actor(relay, "r").remind(5_000);
    await pass(started, 4_000, 40);
    expect((await started.system.actor(book, "b").get()).lines).toEqual([]);
    await pass(started, 2_000, 20);
    expect((await started.system.actor(book, "b").get()).lines).toEqual(["reminded 5000"]);
  });

  test("has an id that sorts by the time of its sending", async () => {
    const { system, clock } = await startSystem(actors);
    const ids: string[] = [];
    for (let call = 0; call < 20; call++) {
      ids.push(await system.actor(diary, "d").remind(1_000));
      await clock.advance(1);
    }
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids.map((id) => id.length))).toEqual(new Set([32]));
  });

  test("is not late because it became due while the statestore was being asked", async () => {
    const started = await startSystem(actors);
    const { system, clock, inner } = started;
    const claim = inner.messages.claim.bind(inner.messages);
    inner.messages.claim = async (wanted) => {
      const claimed = await claim(wanted);
      await new Promise<void>((resolve) => clock.timer(5, resolve));
      return claimed;
    };
    await system.actor(diary, "d").write("x", { delayMs: 100 });
    // The first is claimed at 100, nothing more is found at 105, and at 115 that is known.
    await system.actor(diary, "d").write("y", { delayMs: 112 });
    await pass(started, 200, 200);
    expect((await linesOf(system)).map((line) => line.split(" ")[0])).toEqual(["x", "y"]);
  });

  test("survives a crash, and one whose time has passed meanwhile comes at once", async () => {
    const first = await startSystem(actors);
    await first.system.actor(diary, "d").write("x", { delayMs: 1_000 });
    first.system.crash();
    await first.clock.advance(3_000);
    const second = await crashAndRestart(first, actors);
    await pass(second, 10);
    expect((await linesOf(second.system)).map((line) => line.split(" ")[0])).toEqual(["x"]);
  });

  test("is stored with what the action changes, and is cancelled by its id", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const id = await system.actor(diary, "d").remind(1_000);
    expect(await system.messages.list()).toMatchObject([{ id, action: "write" }]);
    expect(await system.messages.cancel(id)).toBe(true);
    expect(await system.messages.cancel(id)).toBe(false);
    await system.actor(diary, "d").remindSelf(100);
    await pass(started, 2_000);
    expect(await linesOf(system)).toEqual([]);
    expect((await system.actor(book, "b").get()).lines).toEqual(["called later 100"]);
  });

  test("waits for its time, also when that is as far away as what is sent at once may be on its way", async () => {
    const started = await startSystem(actors);
    await started.system.actor(diary, "d").remind(DELIVERY_GRACE_MS);
    await pass(started, DELIVERY_GRACE_MS * 2, 100);
    expect((await started.system.actor(book, "b").get()).lines).toEqual(["never 5000"]);
  });

  test("with a time in the past comes at once, with an idempotency key it is refused", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.actor(diary, "d").write("x", { scheduledTo: 1 });
    await pass(started, 0);
    expect(await linesOf(system)).toEqual(["x 0"]);
    const call = system.actor(diary, "d").write("x", { delayMs: 1, idempotencyKey: "k" });
    expect(await errorOf(call)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("with an id of its own is there once", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const send = (): Promise<string> =>
      system.effect(diary, "d").write("x", { delayMs: 100, id: "once/1" });
    expect([await send(), await send()]).toEqual(["once/1", "once/1"]);
    await pass(started, 1_000);
    expect(await linesOf(system)).toEqual(["x 100"]);
    const bad = system.effect(diary, "d").write("x", { id: "timer-1" });
    expect(await errorOf(bad)).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a repeated message", () => {
  test("comes at the planned times, until it is cancelled", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const id = await system.effect(diary, "d").write("tick", { everyMs: 100, delayMs: 50 });
    await pass(started, 400, 80);
    expect(await linesOf(system)).toEqual(["tick 50", "tick 150", "tick 250", "tick 350"]);
    expect(await system.messages.cancel(id)).toBe(true);
    await pass(started, 400, 80);
    expect(await linesOf(system)).toHaveLength(4);
  });

  describe("whose action throws until its attempts are used up", () => {
    let isBroken = true;
    const fragile = actor("fragile", {
      state: () => ({ runs: 0 }),
      actions: {
        run(ctx, by: number) {
          if (isBroken) throw new Error("broken");
          ctx.state.runs += by;
        },
      },
    });
    const limits = { messageAttemptsMax: 2 };

    test.each(["one", "skip"] as const)(
      "goes on, and what failed is parked by itself and can be retried: %s",
      async (catchUp) => {
        isBroken = true;
        const started = await startSystem([fragile], { limits });
        const { system } = started;
        const minute = { everyMs: 60_000, id: "every-minute", catchUp };
        const id = await system.effect(fragile).run(10, minute);
        await pass(started, 70_000, 700);
        const [parked] = await system.messages.listParked();
        expect(parked).toMatchObject({
          attempts: 2,
          error: expect.stringContaining("broken"),
          headers: { occurrence: { of: id, plannedAt: START + 60_000 } },
        });
        expect(await system.messages.list()).toMatchObject([{ id, dueAt: START + 120_000 }]);
        expect(started.events).toContainEqual(
          expect.objectContaining({ type: "message-parked", id: parked!.id }),
        );
        isBroken = false;
        expect(await system.messages.retry(parked!.id)).toEqual([parked!.id]);
        await pass(started, 10_000);
        expect(await system.actor(fragile).get()).toEqual({ runs: 10 });
        await pass(started, 50_000, 500);
        expect(await system.actor(fragile).get()).toEqual({ runs: 20 });
        expect(await system.messages.listParked()).toEqual([]);
        expect(await system.messages.list()).toHaveLength(1);
      },
    );

    test("does not make the calls of its attempts again when what was parked is retried", async () => {
      isBroken = true;
      const caller = actor("caller", {
        state: () => ({ runs: 0 }),
        actions: {
          async run(ctx) {
            await ctx.actor(book, "b").write("called");
            if (isBroken) throw new Error("broken");
            ctx.state.runs++;
          },
        },
      });
      const started = await startSystem([caller, book], { limits });
      const { system } = started;
      const id = await system.effect(caller).run(undefined, { everyMs: 3_600_000, delayMs: 0 });
      await pass(started, 10_000, 100);
      const [parked] = await system.messages.listParked();
      expect(parked?.headers.occurrence?.of).toBe(id);
      isBroken = false;
      await system.messages.retry(parked!.id);
      await pass(started, 10_000, 100);
      expect(await system.actor(caller).get()).toEqual({ runs: 1 });
      expect((await system.actor(book, "b").get()).lines).toHaveLength(1);
    });

    test("goes on after the process has ended while it was being parked, and loses nothing", async () => {
      isBroken = true;
      const first = await startSystem([fragile], { limits });
      await first.system.effect(fragile).run(1, { everyMs: 600_000, delayMs: 0 });
      const { messages } = first.inner;
      const park = messages.park.bind(messages);
      messages.park = () => new Promise(() => undefined);
      await pass(first, 20_000, 200);
      expect(await first.system.messages.list()).toHaveLength(2);
      messages.park = park;
      const second = await crashAndRestart(first, [fragile], { limits });
      await pass(second, 120_000, 600);
      expect(await second.system.messages.listParked()).toHaveLength(1);
      expect(await second.system.messages.list()).toHaveLength(1);
    });
  });

  test("that nobody can take is tried for a while each time, not parked a thousand times", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.send("nobody", { action: "run", everyMs: 100 });
    await pass(started, 60_000, 600);
    expect(await system.messages.listParked()).toEqual([]);
    await pass(started, 540_000, 600);
    expect((await system.messages.listParked()).length).toBeGreaterThan(0);
    expect((await system.messages.listParked()).length).toBeLessThan(6);
  });

  test.each([
    ["one", ["tick 100", "tick 10000", "tick 10100"]],
    ["skip", ["tick 100", "tick 10100"]],
    ["all", ["tick 100", "tick 10000", "tick 10000", "tick 10000"]],
  ] as const)("that missed its times catches up: %s", async (catchUp, lines) => {
    const first = await startSystem(actors);
    await first.system.effect(diary, "d").write("tick", { everyMs: 100, catchUp });
    await pass(first, 110, 11);
    first.system.crash();
    await first.clock.advance(START + 10_000 - first.clock.wall());
    const second = await startSystem(actors, { inner: first.inner, clock: first.clock });
    await pass(second, 110, 11);
    expect((await linesOf(second.system)).slice(0, lines.length)).toEqual(lines);
  });

  test("with a cron expression comes at the wall clock's times, in its time zone", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.effect(diary, "utc").write("x", { cron: "*/10 * * * * *" });
    await system.effect(diary, "day").write("x", { cron: "0 9 * * *", timeZone: "Europe/Berlin" });
    const [, daily] = await system.messages.list();
    expect(new Date(daily!.dueAt).toLocaleTimeString("en-GB", { timeZone: "Europe/Berlin" })).toBe(
      "09:00:00",
    );
    await pass(started, 30_000, 300);
    const times = (await linesOf(system, "utc")).map((line) => Number(line.split(" ")[1]) + START);
    expect(times).toHaveLength(3);
    for (const time of times) expect(time % 10_000).toBeLessThan(100);
  });
});

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
    const pet = actor("pet", {
      kind: "unnamed",
      state: () => ({ age: 0 }),
      actions: {
        grow(ctx) {
          ctx.state.age++;
        },
      },
      timers: [{ action: "grow", everyMs: 100 }],
    });
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
    const pet = actor("pet", {
      kind: "unnamed",
      state: () => ({ age: 0 }),
      actions: {
        grow(ctx) {
          ctx.state.age++;
        },
      },
      timers: [{ action: "grow", everyMs: 1_000 }],
    });
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
      'there is no action "receive"',
    );
  });
});

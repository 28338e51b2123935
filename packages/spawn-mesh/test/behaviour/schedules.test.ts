/** Messages for later and again: delays, fixed times, repetitions, cron expressions and timers. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { VirtualClock } from "spawn-mesh/testing";
import { crashAndRestart, errorOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

let isBroken = false;

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
    sometimes(ctx, line: string) {
      if (isBroken) throw new Error("not now");
      ctx.state.lines.push(`${line} ${ctx.now - START}`);
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

  test("whose attempts are used up is parked with all its times, and goes on when it is retried", async () => {
    const started = await startSystem(actors, { limits: { messageAttemptsMax: 2 } });
    const { system } = started;
    isBroken = true;
    const id = await system.effect(diary, "d").sometimes("x", { everyMs: 60_000 });
    await pass(started, 300_000, 300);
    expect(await system.messages.listParked()).toMatchObject([{ id, attempts: 2 }]);
    expect(await system.messages.list()).toEqual([]);
    isBroken = false;
    expect(await system.messages.retry(id)).toEqual([id]);
    await pass(started, 120_000, 120);
    // At once for the times that passed, and then as planned.
    const times = (await linesOf(system)).map((line) => Number(line.split(" ")[1]));
    expect(times.map((time) => Math.floor(time / 1_000))).toEqual([300, 360, 420]);
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

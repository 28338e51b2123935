/** Whoever is slow, fails or hangs keeps only its own messages waiting. */
import { describe, expect, test } from "vitest";
import { actor, external } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import type { Statestore } from "spawn-mesh";
import { crashAndRestart, quiet, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

/** How many of the slow actions are running. */
let running = 0;
let isBroken = false;
let hangs = Promise.withResolvers<void>();

const diary = actor("diary", {
  kind: "unnamed",
  state: () => ({ lines: [] as string[] }),
  actions: {
    write(ctx, line: string) {
      if (isBroken) throw new Error("no ink");
      ctx.state.lines.push(line);
    },
    async hang(ctx, line: string) {
      running++;
      await hangs.promise;
      running--;
      ctx.state.lines.push(line);
    },
  },
});

const hanging = external<string>("hanging", async () => {
  await new Promise(() => undefined);
});

const sender = actor("sender", {
  kind: "unnamed",
  state: () => ({ sent: 0 }),
  actions: {
    hang(ctx, { count, to }: { readonly count: number; readonly to: string }) {
      for (let at = 0; at < count; at++) ctx.effect(diary, to).hang(`${at}`);
      ctx.state.sent += count;
    },
    write(ctx, line: string) {
      ctx.effect(diary, "fine").write(line);
      ctx.state.sent++;
    },
    hangOutside(ctx) {
      ctx.external(hanging, "x");
      ctx.state.sent++;
    },
  },
});

const actors = [diary, sender];

async function start(limits = {}, inner: Statestore = memoryStatestore()): Promise<StartedSystem> {
  running = 0;
  isBroken = false;
  hangs = Promise.withResolvers();
  return await startSystem(actors, { limits, inner, externals: [hanging] });
}

async function pass({ clock }: StartedSystem, ms: number, steps = 100): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await clock.advance(ms / steps);
    await settled();
  }
}

async function linesOf({ system }: StartedSystem, name = "fine"): Promise<readonly string[]> {
  return (await system.actor(diary, name).get()).lines;
}

/** Sends something of every kind to an actor that is fine, and demands that it comes within two seconds. */
async function expectOthersServed(started: StartedSystem): Promise<void> {
  const { system } = started;
  await system.effect(diary, "fine").write("later", { delayMs: 100 });
  await system.effect(diary, "fine").write("now");
  await system.actor(sender, "other").write("effect");
  await pass(started, 2_000);
  expect([...(await linesOf(started))].toSorted()).toEqual(["effect", "later", "now"]);
}

describe("schedules, effects and calls of others come in time", () => {
  test("although an action has sent ten thousand messages to an actor that hangs", async () => {
    const started = await start();
    await started.system.actor(sender, "s").hang({ count: 10_000, to: "slow" });
    await settled();
    await expectOthersServed(started);
    expect(running).toBe(1);
  });

  test("although ten actors that hang have hundreds of messages in order after a restart", async () => {
    const first = await start();
    for (let at = 0; at < 10; at++) {
      await first.system.actor(sender, `s${at}`).hang({ count: 300, to: `slow${at}` });
    }
    running = 0;
    const second = await crashAndRestart(first, actors, { externals: [hanging] });
    await pass(second, 7_000);
    expect(running).toBe(10);
    await expectOthersServed(second);
  });

  test("although an actor that hangs has thousands of messages from outside", async () => {
    const started = await start({ mailboxLengthMax: 5_000 });
    const { system } = started;
    await Promise.all(
      Array.from({ length: 2_000 }, (_, at) => system.effect(diary, "slow").hang(`${at}`)),
    );
    await settled();
    await pass(started, 1_000);
    await expectOthersServed(started);
    hangs.resolve();
    await pass(started, 120_000);
    expect(await linesOf(started, "slow")).toHaveLength(2_000);
  });

  test("although ten functions outside hang, and have been tried again and again", async () => {
    const started = await start();
    for (let at = 0; at < 10; at++) await started.system.actor(sender, `u${at}`).hangOutside();
    await pass(started, 200_000, 400);
    const attempts = (await started.system.messages.list()).map((message) => message.attempts);
    expect(Math.min(...attempts)).toBeGreaterThanOrEqual(3);
    isBroken = true;
    await started.system.actor(sender, "s").write("late");
    await pass(started, 4_000);
    isBroken = false;
    await pass(started, 10_000);
    expect(await linesOf(started)).toEqual(["late"]);
  });

  test("although more actors hang than are claimed at once", async () => {
    const started = await start({ claimRowsMax: 4, slowDeliveryMs: 50 });
    const { system } = started;
    for (let at = 0; at < 40; at++) await system.effect(diary, `slow${at}`).hang("x");
    await pass(started, 4_000);
    await expectOthersServed(started);
  });
});

describe("a message whose process ends each time", () => {
  test("counts an attempt each time, however long it takes to do that, and is parked in the end", async () => {
    const limits = { messageAttemptsMax: 4 };
    let started = await start(limits);
    await started.system.actor(sender, "s").hang({ count: 1, to: "deadly" });
    for (let life = 1; life <= 4; life++) {
      started = await crashAndRestart(started, actors, { limits, externals: [hanging] });
      for (let step = 0; step < 400 && running <= life; step++) await pass(started, 100, 1);
      // By then its next attempt is due, and the message is still under way.
      await pass(started, 10_000);
      const [waiting] = await started.system.messages.list();
      expect(waiting?.attempts).toBe(life);
    }
    started = await crashAndRestart(started, actors, { limits, externals: [hanging] });
    await pass(started, 60_000);
    expect(await started.system.messages.listParked()).toMatchObject([
      { error: expect.stringContaining("the process ended each time") },
    ]);
  });
});

describe("messages under way", () => {
  test("are no more than allowed, however many commits send some at once", async () => {
    const started = await start({ deliveriesMax: 20 });
    const { system } = started;
    const hold = started.store.hold("commit");
    const sent = Array.from({ length: 50 }, (_, at) =>
      system.actor(sender, `s${at}`).hang({ count: 5, to: `slow${at}` }),
    );
    await settled();
    hold.release();
    await Promise.all(sent);
    await settled();
    // Half of the room is kept for what is found in the statestore.
    expect(running).toBe(2);
    await pass(started, 30_000);
    expect(running).toBeLessThanOrEqual(20);
    hangs.resolve();
    await pass(started, 60_000);
    for (let at = 0; at < 50; at++) {
      expect(await linesOf(started, `slow${at}`)).toEqual(["0", "1", "2", "3", "4"]);
    }
  });

  test("to one target are no more than allowed, and the others come when there is room", async () => {
    const started = await start({ deliveriesPerTargetMax: 3 });
    const { system } = started;
    for (let at = 0; at < 20; at++)
      await system.actor(sender, `s${at}`).hang({ count: 2, to: "x" });
    for (let at = 0; at < 20; at++) await system.effect(diary, "x").hang("outside");
    await pass(started, 3_000);
    const attempts = (await system.messages.list()).filter((message) => message.attempts > 0);
    expect(attempts.length).toBeLessThanOrEqual(3);
    hangs.resolve();
    await pass(started, 120_000, 600);
    expect(await linesOf(started, "x")).toHaveLength(60);
    expect(await system.messages.list()).toEqual([]);
  });

  test("of a commit that failed keep no room, and nobody asks for them", async () => {
    const started = await start({ deliveriesMax: 4 });
    const { system, store } = started;
    store.fail("commit", { kind: "capacity" });
    await quiet(system.actor(sender, "s").hang({ count: 2, to: "slow" })).catch(() => undefined);
    store.fail("commit", { kind: "capacity" });
    await quiet(system.actor(sender, "s").hang({ count: 50, to: "slow" })).catch(() => undefined);
    await pass(started, 60_000);
    const loads = store.loadCount;
    await pass(started, 600_000);
    expect(store.loadCount).toBe(loads);
    await system.actor(sender, "s").hang({ count: 2, to: "slow" });
    await settled();
    expect(running).toBe(1);
  });
});

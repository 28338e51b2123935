/** Cancelling inside an action: part of its commit, so that nothing of the message is done from then on. */
import { describe, expect, test } from "vitest";
import { actor, read } from "spawn-mesh";
import { crashAndRestart, errorOf, quiet, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

/** An order that is given up when it is not paid in time. */
const order = actor("order", {
  kind: "unnamed",
  state: () => ({ lines: [] as string[], timeout: "" }),
  actions: {
    place(ctx, delayMs: number) {
      ctx.state.lines.push("placed");
      ctx.state.timeout = ctx
        .effect(order, ctx.self.name)
        .expire(undefined, { id: "timeout", delayMs });
    },
    expire(ctx): void {
      ctx.state.lines.push("expired");
    },
    pay(ctx, isGood: boolean) {
      ctx.state.lines.push("paid");
      ctx.cancel("timeout");
      if (!isGood) throw new Error("no money");
    },
    payByStoredId(ctx) {
      ctx.cancel(ctx.state.timeout);
    },
    prolong(ctx, delayMs: number) {
      ctx.cancel("timeout");
      ctx.effect(order, ctx.self.name).expire(undefined, { id: "timeout", delayMs });
    },
    thinkAgain(ctx, delayMs: number) {
      const id = ctx.effect(order, ctx.self.name).expire(undefined, { delayMs });
      ctx.cancel(id);
    },
    everySecond(ctx) {
      ctx.effect(order, ctx.self.name).tick(undefined, { id: "ticks", everyMs: 1_000 });
    },
    tick(ctx): void {
      ctx.state.lines.push("tick");
      if (ctx.state.lines.length === 3) ctx.cancel("ticks");
    },
    look: read((ctx) => ctx.cancel("timeout")),
    badId(ctx, id: string) {
      ctx.cancel(id);
    },
  },
});

/** The same without a state. */
const relay = actor("relay", {
  actions: {
    later(ctx, delayMs: number) {
      return ctx.effect(order, "r").expire(undefined, { id: "timeout", delayMs });
    },
    cancel(ctx, id: string) {
      ctx.cancel(id);
    },
  },
});

const lazy = actor("lazy", {
  durability: "write-behind",
  state: () => ({ count: 0 }),
  actions: {
    later(ctx, delayMs: number) {
      ctx.state.count++;
      ctx.effect(order, "w").expire(undefined, { id: "timeout", delayMs });
    },
    cancel(ctx) {
      ctx.state.count++;
      ctx.cancel("timeout");
    },
  },
});

const actors = [order, relay, lazy];

async function linesOf({ system }: StartedSystem, name = "o"): Promise<readonly string[]> {
  return (await system.actor(order, name).get()).lines;
}

async function pass({ clock }: StartedSystem, ms: number): Promise<void> {
  for (let step = 0; step < 10; step++) {
    await clock.advance(ms / 10);
    await settled();
  }
}

describe("an action that cancels a message", () => {
  test.each(["pay", "payByStoredId"] as const)("takes back its time-out: %s", async (action) => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.actor(order, "o").place(1_000);
    await system.actor(order, "other").place(1_000);
    await system.actor(order, "o")[action](true as never);
    expect(await system.messages.list()).toHaveLength(1);
    await pass(started, 5_000);
    expect(await linesOf(started)).not.toContain("expired");
    expect(await linesOf(started, "other")).toEqual(["placed", "expired"]);
  });

  test("and fails has cancelled nothing", async () => {
    const started = await startSystem(actors);
    await started.system.actor(order, "o").place(1_000);
    await errorOf(started.system.actor(order, "o").pay(false));
    await pass(started, 5_000);
    expect(await linesOf(started)).toEqual(["placed", "expired"]);
  });

  test("may send another one under the same id", async () => {
    const started = await startSystem(actors);
    await started.system.actor(order, "o").place(1_000);
    await started.system.actor(order, "o").prolong(10_000);
    await pass(started, 5_000);
    expect(await linesOf(started)).toEqual(["placed"]);
    await pass(started, 10_000);
    expect(await linesOf(started)).toEqual(["placed", "expired"]);
  });

  test("takes back what it sent itself, or what was sent just before it", async () => {
    const started = await startSystem(actors);
    const { system, store } = started;
    await system.actor(order, "o").thinkAgain(1_000);
    await system.actor(order, "o").expire();
    const hold = store.hold("commit");
    const calls = [
      system.actor(order, "o").expire(),
      system.actor(order, "o").place(1_000),
      system.actor(order, "o").pay(true),
    ];
    await settled();
    hold.release();
    await Promise.all(calls);
    expect(await system.messages.list()).toEqual([]);
    await pass(started, 5_000);
    expect(await linesOf(started)).toEqual(["expired", "expired", "placed", "paid"]);
  });

  test("ends a repetition for good, also the one that it serves", async () => {
    const started = await startSystem(actors);
    await started.system.actor(order, "o").everySecond();
    await pass(started, 10_000);
    expect(await linesOf(started)).toEqual(["tick", "tick", "tick"]);
    expect(await started.system.messages.list()).toEqual([]);
  });

  test.each([0, 1])(
    "keeps one from running that waits for its turn behind it, with %i commits before it",
    async (before) => {
      const started = await startSystem(actors);
      const { system, store, clock } = started;
      await system.actor(order, "o").place(1_000);
      const hold = store.hold("commit");
      const first = before === 0 ? undefined : system.actor(order, "o").place(1_000);
      await settled();
      const paid = system.actor(order, "o").pay(true);
      await clock.advance(1_500);
      hold.release();
      await Promise.all([first, paid]);
      await pass(started, 20_000);
      const placed = before === 0 ? ["placed"] : ["placed", "placed"];
      expect(await linesOf(started)).toEqual([...placed, "paid"]);
      expect(await system.messages.list()).toEqual([]);
    },
  );

  test("keeps its code from running while that is being stored", async () => {
    let rings = 0;
    const alarm = actor("alarm", {
      state: () => ({ isSet: false }),
      actions: {
        set(ctx): void {
          ctx.state.isSet = true;
          ctx.effect(alarm).ring(undefined, { id: "alarm", delayMs: 1_000 });
        },
        ring(): void {
          rings++;
        },
        stop(ctx): void {
          ctx.state.isSet = false;
          ctx.cancel("alarm");
        },
      },
    });
    const { system, store, clock } = await startSystem([alarm]);
    await system.actor(alarm).set();
    const hold = store.hold("commit");
    const stopped = system.actor(alarm).stop();
    await clock.advance(1_500);
    hold.release();
    await stopped;
    expect(rings).toBe(0);
  });

  test("lets it run after all when that is not stored", async () => {
    const started = await startSystem(actors);
    const { system, store, clock } = started;
    await system.actor(order, "o").place(1_000);
    const hold = store.hold("commit");
    const paid = errorOf(system.actor(order, "o").pay(true));
    await clock.advance(1_500);
    store.fail("commit", { kind: "capacity" });
    hold.release();
    expect((await paid).applied).toBe("no");
    await pass(started, 20_000);
    expect(await linesOf(started)).toEqual(["placed", "expired"]);
  });

  test("has cancelled it when the process dies afterwards", async () => {
    const first = await startSystem(actors);
    await first.system.actor(order, "o").place(1_000);
    await first.system.actor(order, "o").pay(true);
    const second = await crashAndRestart(first, actors);
    await pass(second, 20_000);
    expect(await linesOf(second)).toEqual(["placed", "paid"]);
  });

  test("leaves alone what somebody else sent under that id", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.effect(order, "o").expire(undefined, { id: "timeout", delayMs: 1_000 });
    await system.actor(order, "o").pay(true);
    await pass(started, 2_000);
    expect(await linesOf(started)).toEqual(["paid", "expired"]);
  });

  test("must not be a read, and must name an id that a message can have", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    await system.actor(order, "o").place(1_000);
    expect((await errorOf(system.actor(order, "o").look())).message).toContain("look is a read");
    for (const id of ["", "timer-1", "a b", "x@", 7 as unknown as string])
      expect((await errorOf(system.actor(order, "o").badId(id))).message).toContain("options.id");
    expect(await system.messages.list()).toHaveLength(1);
  });

  test("may have no state, and may write its state later", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const id = await system.actor(relay).later(1_000);
    await system.actor(lazy).later(10_000);
    await pass(started, 100);
    expect(await system.messages.list()).toHaveLength(2);
    await system.actor(relay).cancel(id);
    await system.actor(lazy).cancel();
    await pass(started, 100);
    expect(await system.messages.list()).toEqual([]);
  });

  test("undoes a run of it that is under way in another actor", async () => {
    const gate = Promise.withResolvers<void>();
    const worker = actor("worker", {
      state: () => ({ done: 0 }),
      actions: {
        async work(ctx) {
          await gate.promise;
          ctx.state.done++;
        },
      },
    });
    const boss = actor("boss", {
      state: () => ({ orders: 0 }),
      actions: {
        begin(ctx) {
          ctx.state.orders++;
          ctx.effect(worker).work(undefined, { id: "job" });
        },
        stop(ctx) {
          ctx.cancel("job");
        },
      },
    });
    const started = await startSystem([worker, boss]);
    const { system } = started;
    await system.actor(boss).begin();
    await pass(started, 10);
    const done = quiet(system.actor(worker).get());
    await system.actor(boss).stop();
    gate.resolve();
    await pass(started, 60_000);
    expect((await done).done).toBe(0);
    expect((await system.actor(worker).get()).done).toBe(0);
  });
});

test("an actor without a state whose message is cancelled while it runs sends nothing, whatever fails", async () => {
  const ran: string[] = [];
  const target = actor("target", {
    actions: {
      run() {
        ran.push("target");
      },
    },
  });
  const sender = actor("sender", {
    actions: {
      async pass(ctx) {
        ran.push("sender");
        await started.inner.messages.remove([id]);
        started.store.fail("messages", { kind: "retry" });
        ctx.effect(target).run();
      },
    },
  });
  const started = await startSystem([target, sender]);
  await started.system.actor(sender).pass(undefined, { delayMs: 1_000 });
  const id = (await started.system.messages.list())[0]!.id;
  await pass(started, 10_000);
  expect(ran).toEqual(["sender"]);
});

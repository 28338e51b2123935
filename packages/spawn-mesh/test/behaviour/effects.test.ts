/** Messages from actors to actors: stored with the change, delivered once and in order, parked when nobody takes them. */
import { describe, expect, test } from "vitest";
import { actor, fail, read, reply } from "spawn-mesh";
import type { ActorSystem, SendOptions } from "spawn-mesh";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const list = actor("list", {
  kind: "unnamed",
  state: () => ({ items: [] as string[] }),
  actions: {
    add(ctx, item: string) {
      ctx.state.items.push(item);
    },
    moody(ctx, item: string) {
      if (item.startsWith("bad")) throw new Error(`no ${item}`);
      ctx.state.items.push(item);
    },
    refuse(_ctx, item: string) {
      return fail("refused", { item });
    },
    who(ctx) {
      ctx.state.items.push(`${ctx.caller?.name} ${JSON.stringify(ctx.metadata)}`);
    },
  },
});

const sender = actor("sender", {
  kind: "unnamed",
  state: () => ({ sent: 0 }),
  actions: {
    send(ctx, items: string[]) {
      for (const item of items) ctx.effect(list, "target").add(item);
      ctx.state.sent += items.length;
      return ctx.state.sent;
    },
    sendMoody(ctx, items: string[]) {
      for (const item of items) ctx.effect(list, "target").moody(item);
    },
    sendAndFail(ctx) {
      ctx.effect(list, "target").add("never");
      throw new Error("changed my mind");
    },
    sendRefused(ctx) {
      ctx.effect(list, "target").refuse("x");
      ctx.effect(list, "target").add("after");
    },
    sendWho(ctx) {
      ctx.effect(list, "target").who(undefined, { metadata: { b: "2" } });
    },
    sendTo(ctx, to: { name: string; definition?: string; action: string }) {
      const { name, action, definition } = to;
      return ctx.send(name, { action, payload: "x", ...(definition && { definition }) });
    },
    sendMany(ctx, count: number) {
      for (let index = 0; index < count; index++) ctx.effect(list, "target").add(`${index}`);
    },
    fire(ctx) {
      ctx.effect(list, "target").add("fired", { reliability: "fire" });
    },
    look: read((ctx) => {
      ctx.effect(list, "target").add("x");
    }),
    later(ctx, delayMs: number) {
      return ctx.effect(list, "target").add(`after ${delayMs}`, { delayMs });
    },
  },
});

const stateless = actor("stateless", {
  actions: {
    relay(ctx, item: string) {
      ctx.effect(list, "target").add(item);
    },
    pass(ctx, item: string): void {
      ctx.send("stateless", { action: "relay", payload: item });
    },
  },
});

const lazy = actor("lazy", {
  kind: "unnamed",
  durability: "write-behind",
  snapshotTimeoutMs: 60_000,
  state: () => ({ items: [] as string[] }),
  actions: {
    pass(ctx, item: string): void {
      ctx.send("b", { definition: "lazy", action: "add", payload: item });
    },
    add(ctx, item: string) {
      ctx.state.items.push(item);
    },
  },
});

const actors = [list, sender, stateless, lazy];
/** For how long a message is left to the process that committed it. */
const DELIVERY_GRACE_MS = 5_000;

async function itemsOf(system: ActorSystem, name = "target"): Promise<readonly string[]> {
  return (await system.actor(list, name).get()).items;
}

/** Lets that much time pass, and everything happen that follows. */
async function pass({ clock }: StartedSystem, ms: number): Promise<void> {
  await clock.advance(ms);
  await settled();
}

const listener = actor("listener", { actions: { listen: (_ctx, _text: string) => "heard" } });

describe("an effect", () => {
  test("is delivered after the commit, once, with caller and metadata, and is stored no longer", async () => {
    const { system } = await startSystem(actors);
    expect(await system.actor(sender, "a").send(["x", "y"])).toBe(2);
    await settled();
    await system.actor(sender, "a").sendWho(undefined, { metadata: { a: "1" } });
    await settled();
    expect(await itemsOf(system)).toEqual(["x", "y", 'a {"a":"1","b":"2"}']);
    expect(await system.messages.list()).toEqual([]);
  });

  test("of an action that fails is not sent", async () => {
    const { system } = await startSystem(actors);
    expect(await failureOf(system.actor(sender, "a").sendAndFail())).toBe("ACTION_FAILED no");
    await settled();
    expect(await itemsOf(system)).toEqual([]);
  });

  test("of a change that is not stored is not sent", async () => {
    const { system, store } = await startSystem(actors);
    await system.actor(sender, "a").send([]);
    store.fail("commit", { kind: "capacity" });
    expect(await failureOf(system.actor(sender, "a").send(["x"]))).toBe(
      "STATESTORE_UNAVAILABLE no",
    );
    await settled();
    expect(await itemsOf(system)).toEqual([]);
  });

  test("survives a crash that comes before it is delivered", async () => {
    const first = await startSystem(actors);
    await first.system.actor(sender, "a").send(["x", "y", "z"]);
    const second = await crashAndRestart(first, actors);
    await pass(second, DELIVERY_GRACE_MS);
    await pass(second, 0);
    expect(await itemsOf(second.system)).toEqual(["x", "y", "z"]);
    expect(await second.system.messages.list()).toEqual([]);
  });

  test("is applied once when the answer to the commit that consumes it is lost", async () => {
    const started = await startSystem(actors);
    const { system, store } = started;
    await system.actor(list, "target").add("first");
    const held = store.hold("commit");
    const sent = system.actor(sender, "a").send(["x"]);
    await settled();
    store.fail("commit", { isApplied: true, times: 1 });
    held.release();
    await pass(started, 100);
    await sent;
    await pass(started, 10_000);
    expect(await itemsOf(system)).toEqual(["first", "x"]);
  });

  test.each([{}, { id: "mine" }])(
    "from outside is applied once when the answer to its storing is lost, and says that nobody knows, options %j",
    async (options) => {
      const started = await startSystem(actors);
      const { system, store } = started;
      store.fail("messages", { isApplied: true });
      const sent = failureOf(system.effect(list, "target").add("x", options));
      await pass(started, 1_000);
      expect(await sent).toBe("UNKNOWN_OUTCOME unknown");
      await pass(started, 2 * DELIVERY_GRACE_MS);
      expect(await itemsOf(system)).toEqual(["x"]);
    },
  );

  test("that the actor refuses counts as delivered, and the next one comes", async () => {
    const { system } = await startSystem(actors);
    await system.actor(sender, "a").sendRefused();
    await settled();
    expect(await itemsOf(system)).toEqual(["after"]);
    expect(await system.messages.list()).toEqual([]);
    expect(await system.messages.listParked()).toEqual([]);
  });

  test("that throws is tried again, keeps those behind it waiting, and is parked in the end", async () => {
    const started = await startSystem(actors, { limits: { messageAttemptsMax: 3 } });
    const { system, events } = started;
    await system.actor(sender, "a").sendMoody(["good 1", "bad", "good 2"]);
    await settled();
    expect(await itemsOf(system)).toEqual(["good 1"]);
    const [behind, failed] = await system.messages.list();
    expect(failed).toMatchObject({ action: "moody", payload: '"bad"', attempts: 1 });
    expect(failed?.error).toContain("no bad");
    expect(behind).toMatchObject({ payload: '"good 2"', attempts: 0 });
    for (let second = 0; second < 12; second++) await pass(started, 1_000);
    expect(await itemsOf(system)).toEqual(["good 1", "good 2"]);
    const [parked] = await system.messages.listParked();
    expect(parked).toMatchObject({ action: "moody", payload: '"bad"', source: { name: "a" } });
    expect(parked?.error).toContain("no bad");
    expect(events).toContainEqual(
      expect.objectContaining({ type: "message-parked", id: parked?.id, action: "moody" }),
    );
    expect(await system.messages.list()).toEqual([]);
  });

  test.each(["load", "commit"] as const)(
    "is not given up while the statestore fails: %s",
    async (operation) => {
      const started = await startSystem(actors, { limits: { messageAttemptsMax: 2 } });
      const { system, store } = started;
      store.fail(operation, { kind: "retry", times: Infinity });
      const id = await system.effect(list, "target").add("x");
      for (let minute = 0; minute < 10; minute++) await pass(started, 60_000);
      expect(await system.messages.listParked()).toEqual([]);
      const [waiting] = await system.messages.list();
      expect(waiting).toMatchObject({
        id,
        error: expect.stringContaining("STATESTORE_UNAVAILABLE"),
      });
      store.heal();
      await pass(started, 10_000);
      expect(await itemsOf(system)).toEqual(["x"]);
    },
  );

  test("to an unknown actor or action is parked at once, and can be retried and discarded", async () => {
    const started = await startSystem(actors);
    const { system } = started;
    const nobody = await system.actor(sender, "a").sendTo({ name: "nobody", action: "x" });
    const nothing = await system
      .actor(sender, "a")
      .sendTo({ name: "target", definition: "list", action: "dance" });
    await settled();
    expect(
      (await system.messages.listParked()).map(({ id, error }) => [id, error.slice(0, 18)]),
    ).toEqual([
      [nobody, "[ACTOR_NOT_FOUND] "],
      [nothing, "[ACTION_NOT_FOUND]"],
    ]);
    expect(await system.messages.retry(nothing)).toEqual([nothing]);
    await pass(started, 10);
    expect((await system.messages.listParked()).map(({ id }) => id)).toEqual([nobody, nothing]);
    expect(await system.messages.discard(nobody, nothing, "unheard of")).toEqual([nobody, nothing]);
    expect(await system.messages.listParked()).toEqual([]);
  });

  test("goes in order, however many there are and however few may be under way", async () => {
    const started = await startSystem(actors, { limits: { deliveriesMax: 5, claimRowsMax: 3 } });
    const { system } = started;
    await Promise.all([20, 30].map((count) => system.actor(sender, "a").sendMany(count)));
    for (let step = 0; step < 80; step++) await pass(started, 50);
    const expected = [20, 30].flatMap((count) => Array.from({ length: count }, (_, at) => `${at}`));
    expect(await itemsOf(system)).toEqual(expected);
    await pass(started, 2_000);
    await system.actor(sender, "a").send(["direct again"]);
    await settled();
    expect((await itemsOf(system)).at(-1)).toBe("direct again");
  });

  test("too many in one run are refused, and nothing is changed", async () => {
    const { system } = await startSystem(actors, { limits: { sendsMax: 10 } });
    await system.actor(sender, "a").sendMany(10);
    const error = await errorOf(system.actor(sender, "a").sendMany(11));
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(error.cause).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    await settled();
    expect(await itemsOf(system)).toHaveLength(10);
  });

  test("reaches and leaves actors without a state", async () => {
    const { system } = await startSystem(actors);
    await system.actor(stateless).relay("one");
    await system.actor(stateless).pass("two");
    await settled();
    expect(await itemsOf(system)).toEqual(["one", "two"]);
    expect(await system.messages.list()).toEqual([]);
  });

  test("reaches and leaves write-behind actors without waiting until they are due", async () => {
    const { system } = await startSystem(actors);
    await system.actor(lazy, "a").pass("x");
    await settled();
    expect((await system.actor(lazy, "b").get()).items).toEqual(["x"]);
    expect(await system.messages.list()).toEqual([]);
  });

  test("that is cancelled before a write-behind actor has its state is not run", async () => {
    const { system, store } = await startSystem(actors);
    const hold = store.hold("load");
    const id = await system.effect(lazy, "a").add("x");
    await settled();
    expect(await system.messages.cancel(id)).toBe(true);
    hold.release();
    await settled();
    expect((await system.actor(lazy, "a").get()).items).toEqual([]);
  });

  test("fired and forgotten is delivered and never stored", async () => {
    const { system, store } = await startSystem(actors);
    await system.actor(sender, "a").fire();
    await settled();
    expect(await itemsOf(system)).toEqual(["fired"]);
    expect(store.commits.flatMap(({ sends }) => sends)).toEqual([]);
  });

  test("is consumed whatever its action returns, too much or no value at all: nobody reads it", async () => {
    const talker = actor("talker", {
      state: () => ({ talks: 0 }),
      actions: {
        talk(ctx) {
          ctx.state.talks++;
          return "x".repeat(2_000_000);
        },
        babble(ctx) {
          ctx.state.talks++;
          return new Map() as unknown as string;
        },
        pass(ctx) {
          ctx.state.talks++;
          return reply("x".repeat(2_000_000)).pipe(listener, "listen");
        },
      },
    });
    const started = await startSystem([talker, listener]);
    const { system } = started;
    await system.effect(talker).talk();
    await system.effect(talker).babble();
    await started.clock.advance(10);
    expect((await system.actor(talker).get()).talks).toBe(2);
    // What is passed on is read.
    await system.effect(talker).pass();
    await started.clock.advance(10);
    const parked = await system.messages.listParked();
    expect(parked.map(({ action, error }) => [action, error])).toEqual([
      ["pass", expect.stringContaining("PAYLOAD_TOO_LARGE")],
    ]);
  });

  test("of a read is refused", async () => {
    const { system } = await startSystem(actors);
    const error = await errorOf(system.actor(sender, "a").look());
    expect(error).toMatchObject({ code: "ACTION_FAILED" });
    expect(error.message).toContain("look is a read and sent or cancelled a message");
  });

  test("with options that make no sense is refused where it is sent", async () => {
    const { system } = await startSystem(actors);
    const bad: [SendOptions, string][] = [
      [{ delayMs: -1 }, "options.delayMs"],
      [{ delayMs: 1, scheduledTo: 1 }, "got both"],
      [{ scheduledTo: Number.NaN }, "options.scheduledTo"],
      [{ delayMs: 300 * 366 * 24 * 3_600_000 }, "options.delayMs"],
      [{ everyMs: 0 }, "options.everyMs"],
      [{ cron: "every day" }, "options.cron"],
      [{ cron: "0 0 31 2 *" }, "never comes"],
      [{ cron: "* * * * *", timeZone: "Mars/Olympus" }, "options.cron"],
      [{ timeZone: "UTC" }, "options.timeZone"],
      [{ catchUp: "one" }, "options.catchUp"],
      [{ reliability: "fire", delayMs: 1 }, "options.reliability"],
      [{ later: true } as SendOptions, "there is no option later"],
    ];
    for (const [options, said] of bad) {
      const error = await errorOf(system.effect(list, "target").add("x", options));
      expect([error.code, error.message], said).toEqual([
        "INVALID_ARGUMENT",
        expect.stringContaining(said),
      ]);
    }
  });
});

describe("a system that stops", () => {
  /** Two that take long to come to an end. */
  const ping = actor("ping", {
    kind: "unnamed",
    state: () => ({ hits: 0 }),
    actions: {
      hit(ctx, to: string): void {
        if (++ctx.state.hits < 1_000) ctx.effect(ping, to).hit(ctx.self.name);
      },
    },
  });

  test("counts no attempt of a message that it has claimed and not tried", async () => {
    const gate = Promise.withResolvers<void>();
    let isReached = false;
    const slow = actor("slow", {
      state: () => ({ items: [] as string[] }),
      actions: {
        async add(ctx, item: string) {
          isReached = true;
          await gate.promise;
          ctx.state.items.push(item);
        },
      },
    });
    const feeder = actor("feeder", {
      state: () => ({ sent: 0 }),
      actions: {
        send(ctx) {
          for (const item of ["a", "b", "c"]) ctx.effect(slow).add(item);
          ctx.state.sent += 3;
        },
      },
    });
    const first = await startSystem([slow, feeder]);
    first.store.hold("commit", { isApplied: true });
    void first.system
      .actor(feeder)
      .send()
      .catch(() => undefined);
    await settled();
    const second = await crashAndRestart(first, [slow, feeder]);
    await pass(second, DELIVERY_GRACE_MS);
    expect(isReached).toBe(true);
    const stopped = second.system.stop();
    await settled();
    gate.resolve();
    await stopped;
    await second.inner.open({ owner: "a test" });
    const left = await second.inner.messages.list({ limit: 10 });
    expect(
      left.map(({ payload, attempts }) => `${payload as string} ${attempts}`).toSorted(),
    ).toEqual(['"b" 0', '"c" 0']);
  });

  test("leaves messages to its next start instead of waiting for the last", async () => {
    const first = await startSystem([ping]);
    await first.system.actor(ping, "a").hit("b");
    await first.system.stop();
    const second = await startSystem([ping], { inner: first.inner, clock: first.clock });
    expect(await second.system.messages.list()).toHaveLength(1);
    expect((await second.system.actor(ping, "b").get()).hits).toBeLessThan(1_000);
    await pass(second, 100);
    expect((await second.system.actor(ping, "a").get()).hits).toBe(1_000);
    expect(await second.system.messages.list()).toEqual([]);
  });
});

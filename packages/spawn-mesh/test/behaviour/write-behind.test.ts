/** Write-behind: acknowledged at once, stored a while later, and never more behind than promised. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { crashAndRestart, errorOf, settled, startSystem, watched } from "./start-system.ts";

const gauge = actor("gauge", {
  kind: "unnamed",
  durability: "write-behind",
  state: () => ({ total: 0 }),
  snapshotTimeoutMs: 1_000,
  deactivateTimeoutMs: 5_000,
  actions: {
    add(ctx, by: number) {
      ctx.state.total += by;
      return ctx.state.total;
    },
    fails(ctx) {
      ctx.state.total = -1;
      throw new Error("no");
    },
  },
});

describe("a write-behind actor", () => {
  test("answers at once, without an access to the statestore", async () => {
    const { system, store } = await startSystem([gauge]);
    store.hold("commit");
    expect(await system.actor(gauge, "a").add(1)).toBe(1);
    expect(await system.actor(gauge, "a").get()).toEqual({ total: 1 });
    expect(store.groups).toEqual([]);
  });

  test("keeps what a message changed that was cancelled while that was being written, and stores it once", async () => {
    const started = await startSystem([gauge]);
    const { system, store, clock } = started;
    await system.actor(gauge, "a").add(1);
    const hold = store.hold("commit");
    await system.effect(gauge, "a").add(10, { id: "ten" });
    await clock.advance(10);
    expect(await system.messages.cancel("ten")).toBe(true);
    hold.release();
    await clock.advance(10_000);
    expect(await system.actor(gauge, "a").get()).toEqual({ total: 11 });
    const next = await crashAndRestart(started, [gauge]);
    expect(await next.system.actor(gauge, "a").get()).toEqual({ total: 11 });
  });

  test("lets a repeated message not come again that was cancelled while its first time was being written", async () => {
    const { system, store, clock } = await startSystem([gauge]);
    await system.actor(gauge, "a").add(1);
    const hold = store.hold("commit");
    await system.effect(gauge, "a").add(10, { id: "ten", everyMs: 1_000, delayMs: 0 });
    await clock.advance(10);
    expect(await system.messages.cancel("ten")).toBe(true);
    hold.release();
    await clock.advance(10_000);
    expect(await system.messages.list()).toEqual([]);
    expect(await system.actor(gauge, "a").get()).toEqual({ total: 11 });
  });

  test("is stored when its snapshot time has passed, all changes in one commit", async () => {
    const { system, store, clock } = await startSystem([gauge]);
    const ref = system.actor(gauge, "a");
    for (let n = 0; n < 10; n++) await ref.add(1);
    await clock.advance(999);
    expect(store.groups).toEqual([]);
    await clock.advance(2);
    expect(store.commits.map(({ state }) => state)).toEqual(['{"total":10}']);
    await clock.advance(3_000);
    expect(store.groups).toHaveLength(1);
  });

  test("loses no more than the tail in a kill, and what is found is a state that was", async () => {
    const before = await startSystem([gauge]);
    const ref = before.system.actor(gauge, "a");
    for (let n = 1; n <= 25; n++) {
      await ref.add(1);
      await before.clock.advance(100);
    }
    const life = await crashAndRestart(before, [gauge]);
    const { total } = await life.system.actor(gauge, "a").get();
    expect(total).toBeGreaterThanOrEqual(15);
    expect(total).toBeLessThanOrEqual(25);
  });

  test("loses nothing when it leaves memory", async () => {
    const { system, store, clock, events } = await startSystem([gauge]);
    const idle = actorThatIsIdleSoon();
    const other = await startSystem([idle], { name: "other" });
    await system.actor(gauge, "a").add(3);
    await clock.advance(20_000);
    expect(events.map(({ type }) => type)).toContain("deactivated");
    expect([store.commits.length, await system.actor(gauge, "a").get()]).toEqual([1, { total: 3 }]);
    await other.system.actor(idle).add(4);
    await other.clock.advance(1_000);
    expect(other.events.map(({ type }) => type)).toContain("deactivated");
    expect(await other.system.actor(idle).get()).toEqual({ total: 4 });
  });

  test("loses nothing when the system stops", async () => {
    const before = await startSystem([gauge]);
    await before.system.actor(gauge, "a").add(3);
    await before.system.stop();
    const life = await startSystem([gauge], { inner: before.inner, clock: before.clock });
    expect(await life.system.actor(gauge, "a").get()).toEqual({ total: 3 });
  });

  test("goes back to its last good state when an action throws, stored or not", async () => {
    const { system } = await startSystem([gauge]);
    const ref = system.actor(gauge, "a");
    await ref.add(3);
    expect(await errorOf(ref.fails())).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(await ref.get()).toEqual({ total: 3 });
  });
});

/** Leaves memory long before its snapshot time. */
function actorThatIsIdleSoon() {
  return actor("idle", {
    durability: "write-behind",
    state: () => ({ total: 0 }),
    snapshotTimeoutMs: 1_000_000,
    deactivateTimeoutMs: 100,
    actions: { add: (ctx, by: number) => (ctx.state.total += by) },
  });
}

describe("the delete of a write-behind actor", () => {
  const slow = actor("slow", {
    durability: "write-behind",
    snapshotTimeoutMs: 3_600_000,
    deactivateTimeoutMs: 1_000,
    state: () => ({ total: 0 }),
    actions: { add: (ctx, by: number) => (ctx.state.total += by) },
  });

  test("follows at once a write that is under way", async () => {
    const { system, store, clock } = await startSystem([slow]);
    await system.actor(slow).add(1);
    const write = store.hold("commit");
    await clock.advance(2_000);
    expect(write.waiting).toBe(1);
    await system.actor(slow).add(1);
    const deleted = system.stored(slow).delete();
    await settled();
    write.release();
    await clock.advance(10);
    await deleted;
    expect(await system.actor(slow).get()).toEqual({ total: 0 });
  });

  test("is tried again soon when it failed", async () => {
    const { system, store, clock } = await startSystem([slow]);
    await system.actor(slow).add(1);
    store.fail("commit", { kind: "capacity" });
    const deleted = system.stored(slow).delete();
    await clock.advance(200);
    await deleted;
    expect(store.commits.map(({ isDelete }) => isDelete)).toEqual([true, true]);
  });
});

describe("a write-behind actor in an outage", () => {
  test.each(["retry", "capacity", "ambiguous"] as const)(
    "(%s) refuses changes once the oldest is older than promised, and takes them again after it",
    async (kind) => {
      const { system, store, clock } = await startSystem([gauge]);
      const ref = system.actor(gauge, "a");
      await ref.get();
      store.fail("commit", { kind, times: Infinity });
      const acknowledged: number[] = [];
      let refused = 0;
      for (let step = 0; step < 40; step++) {
        await ref.add(1).then(
          (total) => acknowledged.push(total),
          (error: { code: string; applied: string }) => {
            expect([error.code, error.applied]).toEqual(["STATESTORE_UNAVAILABLE", "no"]);
            refused++;
          },
        );
        await clock.advance(100);
      }
      // 1 000 ms of snapshot time and 1 000 ms that a write may take, one change every 100 ms.
      expect(acknowledged.length).toBeGreaterThanOrEqual(10);
      expect(acknowledged.length).toBeLessThanOrEqual(21);
      expect(refused).toBe(40 - acknowledged.length);
      expect(await ref.get()).toEqual({ total: acknowledged.length });
      store.heal();
      await clock.advance(5_000);
      expect(await ref.add(1)).toBe(acknowledged.length + 1);
      await clock.advance(2_000);
      expect(store.commits.at(-1)?.state).toBe(`{"total":${acknowledged.length + 1}}`);
    },
  );

  test("says at the end of the system what it could not write, and does not go on trying", async () => {
    const { system, store, clock, events } = await startSystem([gauge]);
    const write = store.hold("commit");
    store.fail("commit", { kind: "fatal", times: Infinity });
    await system.actor(gauge, "a").add(1);
    const stopping = watched(system.stop());
    while (!stopping.isSettled) await clock.advance(100);
    expect(events.filter(({ type }) => type === "write-behind-lost")).toHaveLength(1);
    write.release();
    await clock.advance(60_000);
    expect([store.groups.length, clock.pending]).toEqual([1, 0]);
  });

  test("keeps what it acknowledged however long the outcome of a write cannot be learnt", async () => {
    const { system, store, clock, events } = await startSystem([gauge]);
    const ref = system.actor(gauge, "a");
    await ref.add(1);
    store.fail("commit", { kind: "ambiguous", times: Infinity });
    for (let second = 0; second < 90; second++) await clock.advance(1_000);
    store.heal();
    await clock.advance(10_000);
    expect(store.commits.at(-1)?.state).toBe(`{"total":1}`);
    expect(await ref.get()).toEqual({ total: 1 });
    expect(events.filter(({ type }) => type === "write-behind-lost")).toEqual([]);
  });

  test("keeps what it acknowledged while the statestore is away, in order", async () => {
    const before = await startSystem([gauge]);
    const ref = before.system.actor(gauge, "a");
    await ref.add(1);
    before.store.fail("commit", { kind: "capacity", times: 3 });
    await before.clock.advance(1_050);
    await ref.add(2);
    await before.clock.advance(5_000);
    await settled();
    const life = await crashAndRestart(before, [gauge]);
    expect(await life.system.actor(gauge, "a").get()).toEqual({ total: 3 });
  });
});

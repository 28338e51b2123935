/** The state as of a time, and new actors that begin with the state of another. */
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const common = { kind: "unnamed", state: () => ({ n: 0 }) } as const;
const actions = {
  set(ctx: { state: { n: number } }, n: number) {
    ctx.state.n = n;
    return n;
  },
  label(ctx: { tags: Readonly<Record<string, string>> }, colour: string) {
    ctx.tags = { colour };
  },
  colour: (ctx: { tags: Readonly<Record<string, string>> }) => ctx.tags["colour"] ?? "none",
};
const dated = actor("dated", {
  ...common,
  snapshotTimeoutMs: 10_000,
  revisionsKept: 5,
  index: ({ n }) => ({ n }),
  actions,
});
const lazy = actor("lazy", {
  ...common,
  durability: "write-behind",
  snapshotTimeoutMs: 500,
  actions,
});
const timed = actor("timed", {
  ...common,
  actions: { ...actions, tick: (ctx) => void ctx.state.n++ },
  timers: [{ action: "tick", everyMs: 1_000 }],
});
const only = actor("only", { state: () => ({ n: 0 }), actions });
const plain = actor("plain", { kind: "unnamed", actions: { hello: () => "hello" } });
const actors = [dated, lazy, timed, only, plain];

describe("the state at a time", () => {
  test("is the present one from its commit on, and a kept one before", async () => {
    const { system, clock } = await startSystem(actors);
    const ref = system.actor(dated, "a");
    const stored = system.stored(dated, "a");
    const times: number[] = [];
    for (const n of [1, 2, 3]) {
      await clock.advance(20_000);
      await ref.set(n);
      times.push(clock.wall());
    }
    const [first = 0, second = 0, third = 0] = times;
    expect(await stored.readAt(third)).toEqual({ revision: 3, at: third, state: { n: 3 } });
    expect(await stored.readAt(third + 1e9)).toMatchObject({ revision: 3 });
    expect(await stored.readAt(third - 1)).toEqual({ revision: 2, at: second, state: { n: 2 } });
    expect(await stored.readAt(second)).toMatchObject({ state: { n: 2 } });
    expect(await stored.readAt(second - 1)).toEqual({ revision: 1, at: first, state: { n: 1 } });
    const error = await errorOf(stored.readAt(first - 1));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain(`the oldest is of ${first}`);
  });

  test("was the present state within snapshotTimeoutMs before, however many commits there were", async () => {
    const { system, clock } = await startSystem(actors);
    const ref = system.actor(dated, "a");
    /** When each state was replaced. */
    const endedAt = new Map<number, number>();
    for (let n = 1; n <= 40; n++) {
      await ref.set(n);
      endedAt.set(n - 1, clock.wall());
      await clock.advance(1_300);
    }
    const stored = system.stored(dated, "a");
    const { at: oldest } = (await stored.listRevisions()).at(-1)!;
    for (let time = oldest; time < clock.wall(); time += 700) {
      const { at, state } = await stored.readAt(time);
      expect(at).toBeLessThanOrEqual(time);
      expect(endedAt.get(state.n) ?? time).toBeGreaterThan(time - 10_000);
    }
  });

  test.each([Number.NaN, Infinity, "1" as unknown as number])("%s is refused", async (time) => {
    const { system } = await startSystem(actors);
    await system.actor(dated, "a").set(1);
    expect(await failureOf(system.stored(dated, "a").readAt(time))).toBe("INVALID_ARGUMENT no");
  });

  test("is none of an actor that never was, that is deleted, or has no state", async () => {
    const { system, clock } = await startSystem(actors);
    await system.actor(dated, "gone").set(1);
    await system.stored(dated, "gone").delete();
    for (const stored of [system.stored(dated, "never"), system.stored(dated, "gone")])
      expect(await failureOf(stored.readAt(clock.wall()))).toBe("INVALID_ARGUMENT no");
    expect(await failureOf(system.stored(plain, "a").readAt(1))).toBe("INVALID_ARGUMENT no");
  });
});

describe("a fork", () => {
  async function withHistory(): Promise<StartedSystem> {
    const life = await startSystem(actors);
    for (const n of [10, 20, 30]) {
      await life.system.actor(dated, "a").set(n);
      await life.clock.advance(10_000);
    }
    return life;
  }

  test("begins with the present state or that of a revision, and both go on by themselves", async () => {
    const life = await withHistory();
    const { system } = life;
    const stored = system.stored(dated, "a");
    await stored.fork("b");
    await stored.fork("c", { revision: 1 });
    const { revision } = await stored.readAt(life.clock.wall() - 15_000);
    await stored.fork("d", { revision });
    const get = async (name: string): Promise<number> => (await system.actor(dated, name).get()).n;
    expect(await Promise.all(["b", "c", "d"].map(get))).toEqual([30, 10, 20]);
    await system.actor(dated, "b").set(31);
    expect(await Promise.all(["a", "b"].map(get))).toEqual([30, 31]);
    expect(await system.stored(dated, "c").readRevision(1)).toEqual({ n: 10 });
    const found = (await system.find(dated, { n: { below: 30 } })).actors;
    expect(found.map(({ name }) => name)).toEqual(["c", "d"]);
    expect(await system.stored(dated, "c").listRevisions()).toEqual([]);
    const after = await crashAndRestart(life, actors);
    expect((await after.system.actor(dated, "d").get()).n).toBe(20);
  });

  test("is stored even when its state is what a new actor has, and has the tags", async () => {
    const before = await startSystem(actors);
    await before.system.actor(dated, "a").label("red");
    await before.system.actor(dated, "a").set(0);
    await before.system.stored(dated, "a").fork("b");
    await before.system.actor(dated, "z").set(1);
    await before.system.actor(dated, "z").set(0);
    await before.system.stored(dated, "z").fork("y");
    const { system } = await crashAndRestart(before, actors);
    expect(await system.actor(dated, "b").colour()).toBe("red");
    expect(await failureOf(system.stored(dated, "a").fork("b"))).toBe("INVALID_ARGUMENT no");
    expect(await failureOf(system.stored(dated, "a").fork("y"))).toBe("INVALID_ARGUMENT no");
  });

  test("is refused when the actor exists, in memory or stored, or is about to", async () => {
    const life = await withHistory();
    const { system } = life;
    await system.actor(dated, "b").set(1);
    const error = await errorOf(system.stored(dated, "a").fork("b"));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain("test/dated/b exists");
    expect(await failureOf(system.stored(dated, "a").fork("a"))).toBe("INVALID_ARGUMENT no");
    const hold = life.store.hold("commit");
    const set = system.actor(dated, "c").set(2);
    const fork = failureOf(system.stored(dated, "a").fork("c"));
    await settled();
    hold.release();
    expect(await Promise.all([set, fork])).toEqual([2, "INVALID_ARGUMENT no"]);
    const twice = [1, 2].map((revision) => system.stored(dated, "a").fork("d", { revision }));
    const outcomes = await Promise.allSettled(twice);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    await life.clock.advance(60_000);
    expect(await failureOf(system.stored(dated, "a").fork("b"))).toBe("INVALID_ARGUMENT no");
    expect((await system.actor(dated, "b").get()).n).toBe(1);
  });

  test("may take the name of a deleted actor", async () => {
    const { system } = await withHistory();
    await system.actor(dated, "b").set(1);
    await system.stored(dated, "b").delete();
    await system.stored(dated, "a").fork("b");
    expect((await system.actor(dated, "b").get()).n).toBe(30);
  });

  test("with a key is made once, and repeated it is no error", async () => {
    const life = await withHistory();
    const key = { idempotencyKey: "k" };
    await life.system.stored(dated, "a").fork("b", key);
    await life.system.actor(dated, "b").set(5);
    await life.system.stored(dated, "a").fork("b", key);
    const { system } = await crashAndRestart(life, actors);
    await system.stored(dated, "a").fork("b", key);
    expect((await system.actor(dated, "b").get()).n).toBe(5);
    await system.actor(dated, "a").set(6);
    await system.stored(dated, "a").fork("b", key);
    expect((await system.actor(dated, "b").get()).n).toBe(5);
    const other = system.stored(dated, "a").fork("b", { ...key, revision: 1 });
    expect(await failureOf(other)).toBe("IDEMPOTENCY_CONFLICT no");
  });

  test("that cannot be stored leaves no actor behind", async () => {
    const life = await withHistory();
    life.store.fail("commit", { kind: "capacity" });
    expect(await failureOf(life.system.stored(dated, "a").fork("b"))).toBe(
      "STATESTORE_UNAVAILABLE no",
    );
    await life.system.stored(dated, "a").fork("b");
    expect((await life.system.actor(dated, "b").get()).n).toBe(30);
  });

  test("whose answer is lost is resolved like any commit", async () => {
    const life = await withHistory();
    life.store.fail("commit", { isApplied: true });
    const fork = life.system.stored(dated, "a").fork("b");
    await settled();
    await life.clock.advance(10_000);
    await fork;
    expect((await life.system.actor(dated, "b").get()).n).toBe(30);
  });

  test("is durable for a write-behind actor, too", async () => {
    const before = await startSystem(actors);
    await before.system.actor(lazy, "a").set(4);
    await before.clock.advance(1_000);
    await before.system.stored(lazy, "a").fork("b");
    const { system } = await crashAndRestart(before, actors);
    expect((await system.actor(lazy, "b").get()).n).toBe(4);
  });

  test("of an actor with timers has timers of its own", async () => {
    const { system, clock } = await startSystem(actors);
    await system.actor(timed, "a").set(100);
    await system.stored(timed, "a").fork("b");
    await clock.advance(3_500);
    expect((await system.actor(timed, "b").get()).n).toBe(103);
  });

  test("is nothing for actors of one name, without a state, or under a name that cannot be", async () => {
    const { system } = await withHistory();
    await system.actor(only).set(1);
    for (const fork of [
      system.stored(only).fork("b"),
      system.stored(plain, "a").fork("b"),
      system.stored(dated, "never").fork("b"),
      system.stored(dated, "a").fork(""),
      system.stored(dated, "a").fork("b\n"),
      system.stored(dated, "a").fork("b", { revision: 99 }),
      system.stored(dated, "a").fork("b", { revision: 1.5 }),
    ]) {
      expect(await failureOf(fork)).toBe("INVALID_ARGUMENT no");
    }
    expect((await system.actor(dated, "b").get()).n).toBe(0);
  });
});

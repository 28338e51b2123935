/** How actors come to life and leave memory: init, idle time, and states of older versions. */
import { describe, expect, test } from "vitest";
import { actor, read, state } from "spawn-mesh";
import { z } from "zod";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const deactivations = ({ events }: StartedSystem): number =>
  events.filter(({ type }) => type === "deactivated").length;

describe("init", () => {
  let inits = 0;
  const warmed = actor("warmed", {
    kind: "unnamed",
    state: () => ({ total: 0, warm: 0 }),
    init(ctx) {
      inits++;
      ctx.state.warm++;
    },
    actions: {
      add(ctx, by: number) {
        ctx.state.total += by;
        return ctx.state;
      },
    },
  });

  test("runs after every load, before anything else, and its changes are seen", async () => {
    inits = 0;
    const { system, clock } = await startSystem([warmed]);
    const ref = system.actor(warmed, "a");
    const replies = [ref.get(), ref.get()];
    expect(await Promise.all(replies)).toEqual([
      { total: 0, warm: 1 },
      { total: 0, warm: 1 },
    ]);
    await clock.advance(60_000);
    expect([await ref.get(), inits]).toEqual([{ total: 0, warm: 1 }, 2]);
  });

  test("commits nothing by itself, and is stored with the first commit that follows", async () => {
    const { system, clock, store } = await startSystem([warmed]);
    const ref = system.actor(warmed, "a");
    await ref.get();
    await clock.advance(60_000);
    await ref.get();
    expect(store.groups).toEqual([]);
    expect(await ref.add(1)).toEqual({ total: 1, warm: 1 });
    expect(store.commits.map((commit) => commit.state)).toEqual(['{"total":1,"warm":1}']);
    await clock.advance(60_000);
    expect(await ref.get()).toEqual({ total: 1, warm: 2 });
  });

  test("is what a failed action and a failed commit go back to", async () => {
    const { system, store } = await startSystem([warmed]);
    const ref = system.actor(warmed, "a");
    await ref.get();
    store.fail("commit", { kind: "capacity" });
    expect(await failureOf(ref.add(5))).toBe("STATESTORE_UNAVAILABLE no");
    expect(await ref.get()).toEqual({ total: 0, warm: 1 });
  });

  test("that throws makes the activation fail, leaves the row alone, and is tried again", async () => {
    let isBroken = true;
    const fragile = actor("fragile", {
      state: () => ({ n: 0 }),
      async init() {
        await settled();
        if (isBroken) throw new Error("not yet");
      },
      actions: { bump: (ctx) => ++ctx.state.n },
    });
    const life = await startSystem([fragile]);
    const ref = life.system.actor(fragile);
    const errors = await Promise.all([errorOf(ref.bump()), errorOf(ref.get())]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
      expect(error.message).toContain("not yet");
    }
    expect(life.store.groups).toEqual([]);
    isBroken = false;
    expect(await ref.bump()).toBe(1);
  });
});

test("a first state that fails with an error of a newer copy of the package keeps no other actor from coming to life", async () => {
  const foreign = Object.assign(new Error("[NEW] not yet"), { code: "NEW", applied: "no" });
  foreign.name = "SpawnError";
  const failing = actor("failing", {
    kind: "unnamed",
    state(): { n: number } {
      throw foreign;
    },
    actions: { add: (ctx) => ++ctx.state.n },
  });
  const sound = actor("sound", {
    state: () => ({ n: 0 }),
    actions: { add: (ctx) => ++ctx.state.n },
  });
  const { system } = await startSystem([failing, sound]);
  for (const name of ["a", "b", "c"])
    expect(await errorOf(system.actor(failing, name).add())).toMatchObject({ code: "NEW" });
  expect(await system.actor(sound).add()).toBe(1);
});

describe("an idle actor", () => {
  const idler = actor("idler", {
    kind: "unnamed",
    state: () => ({ n: 0 }),
    deactivateTimeoutMs: 1_000,
    actions: {
      bump: (ctx) => ++ctx.state.n,
      peek: read((ctx) => ctx.state.n),
      wait: () => new Promise<void>((resolve) => (wake = resolve)),
    },
  });
  let wake: () => void = () => undefined;

  test("leaves memory after its idle time, and comes back with its state", async () => {
    const life = await startSystem([idler]);
    const ref = life.system.actor(idler, "a");
    await ref.bump();
    await life.clock.advance(900);
    expect(deactivations(life)).toBe(0);
    await life.clock.advance(300);
    expect(deactivations(life)).toBe(1);
    expect(await ref.bump()).toBe(2);
  });

  test("stays as long as it is called, by reads too", async () => {
    const life = await startSystem([idler]);
    const ref = life.system.actor(idler, "a");
    for (let round = 0; round < 10; round++) {
      await ref.peek();
      await life.clock.advance(900);
    }
    expect([deactivations(life), life.store.loadCount]).toEqual([0, 1]);
  });

  test("is not one whose action is running or whose commit is on its way", async () => {
    const life = await startSystem([idler]);
    const ref = life.system.actor(idler, "a");
    const waiting = ref.wait();
    await life.clock.advance(5_000);
    expect(deactivations(life)).toBe(0);
    wake();
    await waiting;
    await life.clock.advance(900);
    expect(deactivations(life)).toBe(0);
    const hold = life.store.hold("commit");
    const write = ref.bump();
    await settled();
    await life.clock.advance(5_000);
    expect(deactivations(life)).toBe(0);
    hold.release();
    expect(await write).toBe(1);
    await life.clock.advance(1_200);
    expect(deactivations(life)).toBe(1);
  });
});

describe("a versioned state", () => {
  const v1 = state(z.object({ name: z.string() }), () => ({ name: "new" }));
  const v2 = state(z.object({ name: z.string() }), () => ({ name: "new", length: 3 })).next(
    z.object({ name: z.string(), length: z.number() }),
    (before) => ({ ...before, length: before.name.length }),
  );
  const v3 = v2.next(z.object({ name: z.string(), tall: z.boolean() }), (before) => ({
    name: before.name,
    tall: before.length > 3,
  }));
  const actions = {
    rename(ctx: { state: { name: string } }, name: string) {
      ctx.state.name = name;
      return ctx.state.name;
    },
  };
  const first = actor("person", { state: v1, actions });
  const second = actor("person", { state: v2, actions });
  const third = actor("person", { state: v3, actions });

  test("is migrated through all versions when loaded, and stored with the next commit", async () => {
    const old = await startSystem([first]);
    await old.system.actor(first).rename("Ada L.");
    const life = await crashAndRestart(old, [third]);
    expect(await life.system.actor(third).get()).toEqual({ name: "Ada L.", tall: true });
    expect(life.store.groups).toEqual([]);
    await life.system.actor(third).rename("Bo");
    expect(life.store.commits.map((commit) => [commit.stateVersion, commit.state])).toEqual([
      [3, '{"name":"Bo","tall":true}'],
    ]);
  });

  test("newer than the program is refused, and the row is left alone", async () => {
    const newer = await startSystem([second]);
    await newer.system.actor(second).rename("Ada");
    const older = await crashAndRestart(newer, [first]);
    const error = await errorOf(older.system.actor(first).rename("Bo"));
    expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no", retryable: false });
    expect(error.message).toContain("version 2, this program knows versions up to 1");
    expect(older.store.groups).toEqual([]);
    const again = await crashAndRestart(older, [second]);
    expect(await again.system.actor(second).get()).toEqual({ name: "Ada", length: 3 });
  });

  test("whose migration throws or gives the wrong shape is refused, and the row is left alone", async () => {
    const broken = actor("person", {
      state: v1.next(z.object({ name: z.string() }), () => {
        throw new Error("cannot migrate");
      }),
      actions,
    });
    const misshapen = actor("person", {
      state: v1.next(z.object({ age: z.number() }), () => ({ age: "old" }) as never),
      actions: {},
    });
    let life = await startSystem([first]);
    await life.system.actor(first).rename("Ada");
    for (const definition of [broken, misshapen]) {
      life = await crashAndRestart(life, [definition]);
      const error = await errorOf(life.system.invoke("person", { action: "get" }));
      expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no" });
      expect(life.store.groups).toEqual([]);
    }
    life = await crashAndRestart(life, [first]);
    expect(await life.system.actor(first).get()).toEqual({ name: "Ada" });
  });
});

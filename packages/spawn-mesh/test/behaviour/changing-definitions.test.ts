/** Definitions that come while the engine runs, or take the place of others. */
import { describe, expect, onTestFinished, test } from "vitest";
import { Engine } from "spawn-mesh/engine";
import type { ActionFunction, ActorDefinition } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { VirtualClock } from "spawn-mesh/testing";
import {
  adds,
  definition,
  startEngine,
  until,
  withIo,
  type Changes,
  type Total,
} from "./bare-engine.ts";

const MINUTE_MS = 60_000;

/** Gives the engine a definition as soon as its actors let it. */
function takenSoon(engine: Engine, defined: ActorDefinition): Promise<void> {
  const isTaken = (): boolean => {
    try {
      engine.define(defined);
      return true;
    } catch {
      return false;
    }
  };
  return until(isTaken);
}

describe("a definition that comes while the engine runs", () => {
  test("is there for the next call", async () => {
    const engine = await startEngine();
    await expect(engine.invoke("late", { action: "add" })).rejects.toThrow("[ACTOR_NOT_FOUND]");
    engine.define(definition("late", { add: adds(1) }));
    expect(await engine.invoke("late", { action: "add" })).toBe(1);
  });

  test("takes the place of another, and actors that are alive go on with it", async () => {
    const engine = await startEngine({ definitions: [definition("counter", { add: adds(1) })] });
    expect(await engine.invoke("counter", { action: "add" })).toBe(1);
    engine.define(definition("counter", { add: adds(10), twice: adds(20) }));
    expect(await engine.invoke("counter", { action: "add" })).toBe(11);
    expect(await engine.invoke("counter", { action: "twice" })).toBe(31);
  });

  test("expires its actors like one that was there at the start", async () => {
    const clock = new VirtualClock();
    const engine = await startEngine({
      clock: withIo(clock),
    });
    const visits = { add: adds(1) };
    engine.define(definition("late", visits));
    engine.define(definition("late", visits, { expireAfterMs: 10 * MINUTE_MS }));
    engine.define(definition("later", visits, { expireAfterMs: 5 * 60 * MINUTE_MS }));
    await engine.invoke("late", { action: "add" });
    await engine.invoke("later", { action: "add" });
    await clock.advance(12 * MINUTE_MS);
    expect(await engine.invoke("late", { action: "add" })).toBe(1);
    expect(await engine.invoke("later", { action: "add" })).toBe(2);
  });

  test("leaves what runs with the one before", async () => {
    const engine = await startEngine();
    let goOn: (() => void) | undefined;
    const slow: ActionFunction = async (context) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return adds(1)(context, undefined);
    };
    engine.define(definition("counter", { add: slow }));
    const before = engine.invoke("counter", { action: "add" });
    await until(() => goOn !== undefined);
    engine.define(definition("counter", { add: adds(10) }));
    const after = engine.invoke("counter", { action: "add" });
    goOn!();
    expect(await Promise.all([before, after])).toEqual([1, 11]);
  });

  describe("with another index", () => {
    const find = async (engine: Engine, where: Readonly<Record<string, number>>) => {
      const { actors } = await engine.care.finder.list({ definition: "counter", where });
      return actors.map(({ name }) => name);
    };
    const byTotal = { index: (state: unknown) => ({ total: (state as Total).total }) };
    const byDouble = { index: (state: unknown) => ({ double: 2 * (state as Total).total }) };

    test("has it written by the next commit of an actor that is alive", async () => {
      const engine = await startEngine({ definitions: [definition("counter", { add: adds(1) })] });
      await engine.invoke("counter", { action: "add" });
      engine.define(definition("counter", { add: adds(1) }, byTotal));
      await engine.invoke("counter", { action: "add" });
      expect(await find(engine, { total: 2 })).toEqual(["counter"]);
      engine.define(definition("counter", { add: adds(1) }, byDouble));
      await engine.send("counter", { action: "add" });
      await expect.poll(() => find(engine, { double: 6 })).toEqual(["counter"]);
      expect(await find(engine, { total: 2 })).toEqual([]);
    });

    test.each([100, 120])(
      "makes a reindexing begin again that has seen %i of 120 actors",
      async (seen) => {
        const instances: Changes = { kind: "unnamed" };
        const add = { add: adds(1) };
        const engine = await startEngine({ definitions: [definition("counter", add, instances)] });
        const call = { action: "add", definition: "counter" };
        for (let at = 0; at < 120; at++) await engine.invoke(`c${at}`, call);
        engine.define(definition("counter", add, { ...instances, ...byTotal }));
        const done = await engine.care.reindex(engine.type("counter"), {
          rowsPerSecondMax: 1e6,
          onProgress(done) {
            if (done.seen === seen)
              engine.define(definition("counter", add, { ...instances, ...byDouble }));
          },
        });
        expect(done.after).toBeUndefined();
        expect([await find(engine, { total: 1 }), await find(engine, { double: 2 })]).toEqual([
          [],
          expect.objectContaining({ length: 100 }),
        ]);
      },
    );

    test("and the same index does not make a reindexing begin again", async () => {
      const changes: Changes = { kind: "unnamed", state: definition("counter", {}).state };
      const again = (): ActorDefinition =>
        definition("counter", { add: adds(1) }, { ...changes, ...byTotal });
      const engine = await startEngine({ definitions: [again()] });
      const call = { action: "add", definition: "counter" };
      for (let at = 0; at < 120; at++) await engine.invoke(`c${at}`, call);
      const done = await engine.care.reindex(engine.type("counter"), {
        rowsPerSecondMax: 1e6,
        onProgress: () => void engine.define(again()),
      });
      expect(done).toMatchObject({ seen: 120, after: undefined });
    });

    test("or with none lets an actor go on that is alive and had one", async () => {
      const engine = await startEngine({
        definitions: [definition("counter", { add: adds(1) }, byTotal)],
      });
      await engine.invoke("counter", { action: "add" });
      engine.define(definition("counter", { add: adds(1) }));
      expect(await engine.invoke("counter", { action: "add" })).toBe(2);
    });
  });

  test("with another kind is taken when the actor has nothing to do, and refused while it has", async () => {
    const engine = await startEngine();
    let goOn: (() => void) | undefined;
    const wait: ActionFunction = () => new Promise<void>((resolve) => (goOn = resolve));
    engine.define(definition("changing", { wait }));
    const waiting = engine.invoke("changing", { action: "wait" });
    await until(() => goOn !== undefined);
    const pooled = definition(
      "changing",
      { wait: () => "pooled" },
      { kind: "pooled", pool: { min: 1, max: 2 }, state: undefined },
    );
    expect(() => engine.define(pooled)).toThrow("[ALREADY_REGISTERED]");
    goOn!();
    await waiting;
    engine.define(pooled);
    expect(await engine.invoke("changing", { action: "wait" })).toBe("pooled");
  });

  test("that is durable is taken when what a write-behind actor acknowledged is stored", async () => {
    const store = memoryStatestore();
    const behind = { durability: "write-behind", snapshotTimeoutMs: 60_000 } as const;
    const actions = { add: adds(1) };
    const engine = await startEngine({
      store,
      definitions: [definition("counter", actions, behind)],
    });
    await engine.invoke("counter", { action: "add" });
    expect(() => engine.define(definition("counter", actions))).toThrow("[ALREADY_REGISTERED]");
    await takenSoon(engine, definition("counter", actions));
    expect(await engine.invoke("counter", { action: "get" })).toEqual({ total: 1 });
    engine.crash();
    const after = await startEngine({ store, definitions: [definition("counter", actions)] });
    expect(await after.invoke("counter", { action: "get" })).toEqual({ total: 1 });
  });

  test("has its timers fire", async () => {
    const engine = await startEngine();
    let ticks = 0;
    const timers = [
      { action: "tick", payload: null, repeat: { everyMs: 20, catchUp: "one" } as const },
    ];
    const tick = () => void ticks++;
    engine.define(definition("metronome", { tick }));
    await engine.invoke("metronome", { action: "tick" });
    engine.define(definition("metronome", { tick }, { timers }));
    await until(() => ticks > 3);
  });

  test("gets the messages that waited for it", { timeout: 20_000 }, async () => {
    const engine = await startEngine();
    let heard = 0;
    await engine.send("late", { action: "hear" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    engine.define(definition("late", { hear: () => void heard++ }));
    await until(() => heard === 1);
    expect(await engine.messages.listParked()).toEqual([]);
  });
});

describe("what is prepared before the messages", () => {
  test("is there for those that were stored earlier, without a wait", async () => {
    const store = memoryStatestore();
    const before = new Engine({ system: "test", definitions: [], store, awaitsDefinitions: true });
    await before.start();
    await before.send("late", { action: "hear", delayMs: 200 });
    await before.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    let heard = 0;
    const engine = new Engine({ system: "test", definitions: [], store, awaitsDefinitions: true });
    onTestFinished(() => engine.stop({ drainTimeoutMs: 0 }));
    await engine.start(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      engine.define(definition("late", { hear: () => void heard++ }));
    });
    await expect.poll(() => heard, { timeout: 3_000, interval: 5 }).toBe(1);
  });
});

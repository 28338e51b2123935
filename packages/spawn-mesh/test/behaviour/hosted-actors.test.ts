/** What the engine does for those who host actors elsewhere: definitions that come and go, opaque values. */
import { describe, expect, onTestFinished, test } from "vitest";
import {
  Engine,
  OpaqueValue,
  SpawnError,
  jsonCodec,
  plainHost,
  systemClock,
} from "spawn-mesh/engine";
import type {
  ActionFunction,
  ActorDefinition,
  EngineEvent,
  EngineOptions,
  Host,
  Clock,
} from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { FaultyStatestore, VirtualClock } from "spawn-mesh/testing";

const MINUTE_MS = 60_000;

type Changes = Partial<Omit<ActorDefinition, "actions">>;

function definition(
  name: string,
  actions: Readonly<Record<string, ActionFunction>>,
  changes: Changes = {},
): ActorDefinition {
  const run = (action: string) => ({ name: action, isRead: false, parse: undefined });
  return {
    name,
    kind: "named",
    state: {
      codec: jsonCodec,
      version: 1,
      initial: () => ({ total: 0 }),
      migrate: (stored) => stored,
    },
    durability: "durable",
    deactivateTimeoutMs: 10_000,
    snapshotTimeoutMs: 2_000,
    revisionsKept: 0,
    init: undefined,
    actions: new Map(
      Object.entries(actions).map(([action, code]) => [action, { ...run(action), run: code }]),
    ),
    channels: new Map(),
    timers: [],
    isStrict: false,
    ...changes,
  };
}

async function start(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = new Engine({
    system: "test",
    definitions: [],
    store: memoryStatestore(),
    awaitsDefinitions: true,
    ...options,
  });
  await engine.start();
  onTestFinished(() => engine.stop({ drainTimeoutMs: 0 }));
  return engine;
}

/** A clock whose turns for input and output come by themselves. */
function withIo(clock: VirtualClock): Clock {
  return {
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
    timer: (delayMs, action) => clock.timer(delayMs, action),
    yield: (action) => void setImmediate(action),
  };
}

interface Total {
  total: number;
}

const adds =
  (by: number): ActionFunction =>
  (context) => {
    const state = context.state as Total;
    state.total += by;
    return state.total;
  };

function until(isSo: () => boolean): Promise<void> {
  return expect.poll(isSo, { timeout: 15_000, interval: 5 }).toBe(true) as unknown as Promise<void>;
}

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
    const engine = await start();
    await expect(engine.invoke("late", { action: "add" })).rejects.toThrow("[ACTOR_NOT_FOUND]");
    engine.define(definition("late", { add: adds(1) }));
    expect(await engine.invoke("late", { action: "add" })).toBe(1);
  });

  test("takes the place of another, and actors that are alive go on with it", async () => {
    const engine = await start({ definitions: [definition("counter", { add: adds(1) })] });
    expect(await engine.invoke("counter", { action: "add" })).toBe(1);
    engine.define(definition("counter", { add: adds(10), twice: adds(20) }));
    expect(await engine.invoke("counter", { action: "add" })).toBe(11);
    expect(await engine.invoke("counter", { action: "twice" })).toBe(31);
  });

  test("expires its actors like one that was there at the start", async () => {
    const clock = new VirtualClock();
    const engine = await start({
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
    const engine = await start();
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
      const engine = await start({ definitions: [definition("counter", { add: adds(1) })] });
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
        const engine = await start({ definitions: [definition("counter", add, instances)] });
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
      const engine = await start({ definitions: [again()] });
      const call = { action: "add", definition: "counter" };
      for (let at = 0; at < 120; at++) await engine.invoke(`c${at}`, call);
      const done = await engine.care.reindex(engine.type("counter"), {
        rowsPerSecondMax: 1e6,
        onProgress: () => void engine.define(again()),
      });
      expect(done).toMatchObject({ seen: 120, after: undefined });
    });

    test("or with none lets an actor go on that is alive and had one", async () => {
      const engine = await start({
        definitions: [definition("counter", { add: adds(1) }, byTotal)],
      });
      await engine.invoke("counter", { action: "add" });
      engine.define(definition("counter", { add: adds(1) }));
      expect(await engine.invoke("counter", { action: "add" })).toBe(2);
    });
  });

  test("with another kind is taken when the actor has nothing to do, and refused while it has", async () => {
    const engine = await start();
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
    const engine = await start({ store, definitions: [definition("counter", actions, behind)] });
    await engine.invoke("counter", { action: "add" });
    expect(() => engine.define(definition("counter", actions))).toThrow("[ALREADY_REGISTERED]");
    await takenSoon(engine, definition("counter", actions));
    expect(await engine.invoke("counter", { action: "get" })).toEqual({ total: 1 });
    engine.crash();
    const after = await start({ store, definitions: [definition("counter", actions)] });
    expect(await after.invoke("counter", { action: "get" })).toEqual({ total: 1 });
  });

  test("has its timers fire", async () => {
    const engine = await start();
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
    const engine = await start();
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

describe("a definition that is forgotten", () => {
  test("leaves nobody to call, and what is stored for when it comes again", async () => {
    const engine = await start({ definitions: [definition("counter", { add: adds(1) })] });
    await engine.invoke("counter", { action: "add" });
    expect(engine.undefine("counter")).toBe(true);
    await expect(engine.invoke("counter", { action: "add" })).rejects.toThrow("[ACTOR_NOT_FOUND]");
    expect(engine.undefine("counter")).toBe(false);
    engine.define(definition("counter", { add: adds(1) }));
    expect(await engine.invoke("counter", { action: "add" })).toBe(2);
  });

  test("runs nothing for those who still know it", async () => {
    const engine = await start({ definitions: [definition("counter", { add: adds(1) })] });
    await engine.invoke("counter", { action: "add" });
    const stored = engine.stored(engine.type("counter"), "counter");
    engine.undefine("counter");
    await expect(stored.delete()).rejects.toThrow("[ACTOR_NOT_FOUND]");
    engine.define(definition("counter", { add: adds(1) }));
    expect(await engine.invoke("counter", { action: "add" })).toBe(2);
    await expect(stored.delete()).rejects.toThrow("[ACTOR_NOT_FOUND]");
    expect(await engine.invoke("counter", { action: "get" })).toEqual({ total: 2 });
  });

  test("lets its actors live that would expire, and others expire", async () => {
    const clock = new VirtualClock();
    const events: EngineEvent[] = [];
    const store = new FaultyStatestore(memoryStatestore());
    const engine = await start({
      store,
      clock: withIo(clock),
      onEvent: (event) => events.push(event),
    });
    const expiring = { expireAfterMs: 10 * MINUTE_MS };
    for (const name of ["a", "b"]) {
      engine.define(definition(name, { add: adds(1) }, expiring));
      await engine.invoke(name, { action: "add" });
    }
    await clock.advance(10 * MINUTE_MS);
    const hold = store.hold("queries");
    await clock.advance(MINUTE_MS);
    engine.undefine("a");
    hold.release();
    await clock.advance(MINUTE_MS);
    engine.define(definition("a", { add: adds(1) }));
    expect(await engine.invoke("a", { action: "add" })).toBe(2);
    expect(await engine.invoke("b", { action: "add" })).toBe(1);
    expect(events.filter(({ type }) => type === "async-failed")).toEqual([]);
  });

  test("stays while one of its actors is at work", async () => {
    let goOn: (() => void) | undefined;
    const wait: ActionFunction = () => new Promise<void>((resolve) => (goOn = resolve));
    const engine = await start({ definitions: [definition("busy", { wait })] });
    const waiting = engine.invoke("busy", { action: "wait" });
    await until(() => goOn !== undefined);
    expect(() => engine.undefine("busy")).toThrow("[OVERLOADED]");
    goOn!();
    await waiting;
    expect(engine.undefine("busy")).toBe(true);
  });
});

describe("messages to actors that are not there", () => {
  async function startWithClock(): Promise<{ clock: VirtualClock; engine: Engine }> {
    const clock = new VirtualClock();
    const engine = await start({
      limits: { absentTargetMsMax: 60_000, messageAttemptsMax: 3 },
      clock: withIo(clock),
    });
    return { clock, engine };
  }

  test("wait for them, and are parked when that takes too long", async () => {
    const { clock, engine } = await startWithClock();
    await engine.send("nobody", { action: "hear" });
    await engine.send("other", { action: "hear", system: "elsewhere" });
    await engine.send("nobody", { action: "later", delayMs: 100_000 });
    await clock.advance(59_000);
    expect(await engine.messages.listParked()).toEqual([]);
    await clock.advance(70_000);
    // The other one is due since half a minute, and waits as long as these.
    const parked = await engine.messages.listParked();
    const tooLong = expect.stringMatching(/has waited for it for 60000 ms/) as string;
    expect(parked).toMatchObject([
      { action: "hear", error: tooLong },
      { action: "hear", error: tooLong },
    ]);
    let heard = 0;
    const hear = () => void heard++;
    engine.define(definition("nobody", { hear, later: hear }));
    await engine.messages.retry(...parked.map(({ id }) => id));
    await clock.advance(10_000);
    expect(heard).toBe(2);
  });

  test("have their attempts anew when they are retried before their target is there", async () => {
    const { clock, engine } = await startWithClock();
    await engine.send("nobody", { action: "hear" });
    await clock.advance(70_000);
    const [parked] = await engine.messages.listParked();
    expect(parked).toMatchObject({ attempts: 3 });
    await engine.messages.retry(parked!.id);
    await clock.advance(2_000);
    expect(await engine.messages.listParked()).toEqual([]);
    let heard = 0;
    engine.define(definition("nobody", { hear: () => void heard++ }));
    await clock.advance(2_000);
    expect(heard).toBe(1);
  });

  test("are gone when they are timers: they come again with their actor", async () => {
    const { clock, engine } = await startWithClock();
    let ticks = 0;
    const timers = [
      { action: "tick", payload: null, repeat: { everyMs: 1_000, catchUp: "one" } as const },
    ];
    const metronome = definition("metronome", { tick: () => void ticks++ }, { timers });
    engine.define(metronome);
    await clock.advance(30_000);
    expect(ticks).toBeGreaterThan(20);
    expect(engine.undefine("metronome")).toBe(true);
    await clock.advance(59_000);
    expect(await engine.messages.list()).toMatchObject([{ isTimer: true }]);
    await clock.advance(20_000);
    expect(await engine.messages.list()).toEqual([]);
    expect(await engine.messages.listParked()).toEqual([]);
    ticks = 0;
    engine.define(metronome);
    await clock.advance(5_000);
    expect(ticks).toBeGreaterThan(2);
  });

  test("are parked where no definitions come", async () => {
    const engine = await start({ awaitsDefinitions: false });
    await engine.send("nobody", { action: "hear" });
    const parked = expect.poll(async () => (await engine.messages.listParked()).length);
    await parked.toBe(1);
  });
});

describe("an opaque value", () => {
  const value = new OpaqueValue("shop.Order", Uint8Array.of(0, 255, 128));
  const same = new OpaqueValue("shop.Order", Buffer.of(0, 255, 128));

  test("is payload and reply as it is", async () => {
    const engine = await start({ definitions: [definition("echo", { echo: (_, it) => it })] });
    expect(await engine.invoke("echo", { action: "echo", payload: value })).toBe(value);
  });

  test("goes through messages, pipes, channels and stored replies byte for byte", async () => {
    const heard: unknown[] = [];
    const target = { echo: { echo: true } };
    const host: Host = {
      ...plainHost,
      reference: (_, name, call) => ({
        hear: () => call(name ?? "echo", { action: "hear" }),
        echo: () => call(name ?? "echo", { action: "echo" }),
      }),
    };
    const engine = await start({
      host,
      definitions: [
        definition("source", {
          send: (context, it) => {
            context.send("sink", { action: "hear", payload: it });
            context.broadcast("news", it);
            context.pipe(target, "echo");
            return it;
          },
        }),
        definition(
          "sink",
          { hear: (_, it) => void heard.push(it) },
          {
            channels: new Map([["news", "hear"]]),
          },
        ),
        definition("echo", { echo: (_, it) => it }),
      ],
    });
    const request = { action: "send", payload: value, idempotencyKey: "once" };
    expect(await engine.invoke("source", request)).toEqual(same);
    await until(() => heard.length === 2);
    expect(heard).toEqual([same, same]);
    expect(await engine.invoke("source", request)).toEqual(same);
    const other = { ...request, payload: new OpaqueValue("shop.Order", Uint8Array.of(1)) };
    await expect(engine.invoke("source", other)).rejects.toThrow("[IDEMPOTENCY_CONFLICT]");
  });
});

describe("a host that fails", () => {
  class Unreachable extends Error {}
  const host: Host = {
    ...plainHost,
    failure: (thrown) =>
      thrown instanceof Unreachable ? new SpawnError("HOST_UNAVAILABLE", "gone") : undefined,
  };

  test.each([
    [
      "at once",
      () => {
        throw new Unreachable();
      },
    ],
    [
      "later",
      async () => {
        throw new Unreachable();
      },
    ],
  ])("%s is not the action's failure, and nothing has changed", async (_, fails) => {
    const broken: ActionFunction = (context) => {
      adds(1)(context, undefined);
      return fails();
    };
    const engine = await start({
      host,
      definitions: [definition("counter", { broken, add: adds(1) })],
    });
    await expect(engine.invoke("counter", { action: "broken" })).rejects.toMatchObject({
      code: "HOST_UNAVAILABLE",
      applied: "no",
    });
    expect(await engine.invoke("counter", { action: "add" })).toBe(1);
  });
});

describe("a cancellation", () => {
  test("tells its listener when the deadline passes, and why", async () => {
    const told: unknown[] = [];
    const waits: ActionFunction = async ({ cancellation }) => {
      told.push(cancellation.reason);
      await new Promise<void>((resolve) => (cancellation.listener = resolve));
      told.push(cancellation.reason);
    };
    const engine = await start({
      clock: systemClock,
      definitions: [definition("slow", { waits })],
    });
    await expect(engine.invoke("slow", { action: "waits", deadlineMs: 20 })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
      applied: "no",
    });
    expect(told).toEqual([undefined, expect.objectContaining({ code: "DEADLINE_EXCEEDED" })]);
  });

  test("whose listener throws ends the run all the same, and that is told", async () => {
    const events: EngineEvent[] = [];
    const waits: ActionFunction = ({ cancellation }) => {
      cancellation.listener = () => {
        throw new Error("careless");
      };
      return new Promise(() => undefined);
    };
    const engine = await start({
      limits: { actionGraceMs: 10 },
      onEvent: (event) => events.push(event),
      definitions: [definition("slow", { waits, add: adds(1) })],
    });
    const deadlineMs = 20;
    await expect(engine.invoke("slow", { action: "waits", deadlineMs })).rejects.toThrow(
      "[DEADLINE_EXCEEDED]",
    );
    expect(await engine.invoke("slow", { action: "add" })).toBe(1);
    const failed = events.filter(({ type }) => type === "async-failed");
    expect(failed).toMatchObject([{ error: { message: "careless" } }]);
  });
});

describe("labels", () => {
  test("of a new actor are those of its definition, until they are changed", async () => {
    const state = { ...definition("x", {}).state!, initialTags: { team: "red" } };
    const tags: ActionFunction = (context) => context.tags;
    const actions = {
      tags,
      paint: ((context) => {
        context.tags = { team: "blue" };
      }) as ActionFunction,
    };
    const store = memoryStatestore();
    const definitions = [definition("labelled", actions, { state, deactivateTimeoutMs: 20 })];
    const engine = await start({ store, definitions, clock: systemClock });
    expect(await engine.invoke("labelled", { action: "tags" })).toEqual({ team: "red" });
    await engine.invoke("labelled", { action: "paint" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await engine.invoke("labelled", { action: "tags" })).toEqual({ team: "blue" });
  });
});

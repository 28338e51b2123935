/** Pooled actors: one name, several instances, so that several actions are under way at once. */
import { beforeEach, describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import type { ActorId } from "spawn-mesh";
import { VirtualClock, seededRandom } from "spawn-mesh/testing";
import { errorOf, failureOf, quiet, settled, startSystem, watched } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

/** The jobs that are under way, in the order in which they began, and how to end them. */
let underWay = new Map<string, (outcome?: Error) => void>();
let selves: ActorId[] = [];
let aborted: string[] = [];
let inits = 0;
let isInitBroken = false;

const actions = {
  async job(ctx: { self: ActorId; signal: AbortSignal }, name: string) {
    selves.push(ctx.self);
    ctx.signal.addEventListener("abort", () => aborted.push(name));
    await new Promise<void>((resolve, reject) => {
      underWay.set(name, (error) => (error === undefined ? resolve() : reject(error)));
    });
    return `${name} done`;
  },
  now: (_ctx: unknown, text: string) => text,
};
const deactivateTimeoutMs = 1_000;
const pair = actor("pair", {
  kind: "pooled",
  pool: { min: 1, max: 2 },
  deactivateTimeoutMs,
  init() {
    inits++;
    if (isInitBroken) throw new Error("no connection");
  },
  actions,
});
const crew = actor("crew", { kind: "pooled", pool: { max: 3 }, deactivateTimeoutMs, actions });
const guests = actor("guests", { kind: "pooled", pool: { min: 0 }, deactivateTimeoutMs, actions });

beforeEach(() => {
  underWay = new Map();
  selves = [];
  aborted = [];
  inits = 0;
  isInitBroken = false;
});

/** Ends a job and lets go on what can. */
async function end(name: string, error?: Error): Promise<void> {
  const conclude = underWay.get(name);
  if (conclude === undefined) throw new Error(`${name} is not under way`);
  underWay.delete(name);
  conclude(error);
  await settled();
}

const jobs = (): string[] => [...underWay.keys()];

const liveCount = ({ events }: StartedSystem): number =>
  events.filter(({ type }) => type === "activated").length -
  events.filter(({ type }) => type === "deactivated").length;

/** Starts the actors, and these jobs one after the other. */
async function startJobs(life: StartedSystem, pool: typeof crew, names: readonly string[]) {
  const calls: Promise<string>[] = [];
  for (const name of names) {
    calls.push(quiet(life.system.actor(pool).job(name)));
    await settled();
  }
  return { calls };
}

describe("the instances of a pooled actor", () => {
  test("run as many actions at once as there may be, and each of them one at a time", async () => {
    const life = await startSystem([crew]);
    const calls = ["a", "b", "c", "d", "e"].map((name) => life.system.actor(crew).job(name));
    await settled();
    expect(jobs()).toEqual(["a", "b", "c"]);
    await end("b");
    expect(jobs()).toEqual(["a", "c", "e"]);
    await end("a");
    expect(jobs()).toEqual(["c", "e", "d"]);
    for (const name of jobs()) await end(name);
    expect(await Promise.all(calls)).toEqual(["a", "b", "c", "d", "e"].map((n) => `${n} done`));
  });

  test("are one actor to the outside: they have one name", async () => {
    const life = await startSystem([crew]);
    await startJobs(life, crew, ["a", "b", "c"]);
    const self = { system: "test", definition: "crew", name: "crew" };
    expect(selves).toEqual([self, self, self]);
    expect(life.events).toEqual(selves.map((id) => ({ type: "activated", actor: id })));
  });

  test("become more only while all are busy", async () => {
    const life = await startSystem([crew]);
    for (let round = 0; round < 5; round++) await life.system.actor(crew).now("x");
    expect(liveCount(life)).toBe(1);
    await startJobs(life, crew, ["a"]);
    expect(liveCount(life)).toBe(1);
    for (let round = 0; round < 5; round++) await life.system.actor(crew).now("x");
    expect(liveCount(life)).toBe(2);
  });

  test("are four at the most unless the definition says otherwise", async () => {
    const life = await startSystem([guests]);
    await startJobs(life, guests, ["a", "b", "c", "d", "e"]);
    expect([jobs(), liveCount(life)]).toEqual([["a", "b", "c", "d"], 4]);
  });

  test("leave memory when they are idle, down to the smallest number, and the system sleeps", async () => {
    const life = await startSystem([crew, guests]);
    const pending = life.clock.pending;
    await startJobs(life, crew, ["a", "b", "c"]);
    await startJobs(life, guests, ["d", "e", "f"]);
    for (const name of jobs()) await end(name);
    await life.clock.advance(900);
    expect(liveCount(life)).toBe(6);
    await life.clock.advance(300);
    expect(liveCount(life)).toBe(1);
    await life.clock.advance(60_000);
    expect([liveCount(life), life.clock.pending]).toEqual([1, pending]);
    expect(await life.system.actor(crew).now("again")).toBe("again");
    expect(await life.system.actor(guests).now("again")).toBe("again");
    expect(liveCount(life)).toBe(2);
  });
});

describe("a call to a pooled actor", () => {
  test("goes to the instance that has the least to do", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["a", "b", "c", "d", "e", "f"]);
    // First: a, then c and e. Second: b, then d and f.
    await end("b");
    expect(jobs()).toEqual(["a", "d"]);
    calls.push(life.system.actor(pair).job("g"));
    await end("d");
    await end("f");
    // It was given to the second, which had f left when the first had c and e.
    expect(jobs()).toEqual(["a", "g"]);
    for (const name of ["g", "c", "a", "e"]) await end(name);
    expect(await Promise.all(calls)).toHaveLength(7);
  });

  test("does not wait behind a long action while another instance is idle", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["long", "b", "c", "d", "e", "f"]);
    for (const name of ["b", "d", "f", "c", "e"]) await end(name);
    expect(jobs()).toEqual(["long"]);
    expect(await Promise.all(calls.slice(1))).toHaveLength(5);
    const quick = await life.system.actor(pair).now("quick");
    expect([quick, liveCount(life)]).toEqual(["quick", 2]);
  });

  test("can be made by its name, with or without the name of the definition", async () => {
    const { system } = await startSystem([pair]);
    const request = { action: "now", payload: "x" };
    expect(await system.invoke("pair", request)).toBe("x");
    expect(await system.invoke("pair", { ...request, definition: "pair" })).toBe("x");
    expect(await failureOf(system.invoke("a", { ...request, definition: "pair" }))).toBe(
      "ACTOR_NOT_FOUND no",
    );
    // @ts-expect-error a pooled actor has no names but its own
    expect(() => system.actor(pair, "a")).toThrow("pair is one actor");
  });

  test("cannot have an idempotency key: nothing is stored that could remember it", async () => {
    const { system, store } = await startSystem([pair]);
    const call = system.actor(pair).now("x", { idempotencyKey: "k" });
    expect(await failureOf(call)).toBe("INVALID_ARGUMENT no");
    expect(await system.actor(pair).now("x")).toBe("x");
    expect([store.loadCount, store.groups]).toEqual([0, []]);
  });

  test("that fails harms no other", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["a", "b", "c"]);
    const [a, b, c] = calls;
    await end("a", new Error("broken"));
    expect(await failureOf(a!)).toBe("ACTION_FAILED no");
    expect(jobs()).toEqual(["b", "c"]);
    for (const name of jobs()) await end(name);
    expect(await Promise.all([b, c])).toEqual(["b done", "c done"]);
  });

  test("whose caller gives up is stopped or not begun, wherever it has come to", async () => {
    const life = await startSystem([pair]);
    await startJobs(life, pair, ["long", "b"]);
    const [moved, waiting] = ["moved", "waiting"].map((name) => {
      const giveUp = new AbortController();
      const call = life.system.actor(pair).job(name, { signal: giveUp.signal });
      return { giveUp, failure: failureOf(call) };
    });
    // What waits for the first instance is taken over by the second, which becomes idle before.
    const last = life.system.actor(pair).job("last");
    waiting!.giveUp.abort();
    expect(await waiting!.failure).toBe("CANCELLED no");
    await end("b");
    expect(jobs()).toEqual(["long", "moved"]);
    moved!.giveUp.abort();
    expect([await moved!.failure, aborted]).toEqual(["CANCELLED no", ["moved"]]);
    await end("moved");
    await end("last");
    expect(await last).toBe("last done");
  });

  test("that takes too long gives its place away after its deadline", async () => {
    const life = await startSystem([pair], { limits: { actionGraceMs: 50 } });
    const late = ["a", "b", "c"].map((name) =>
      failureOf(life.system.actor(pair).job(name, { deadlineMs: 100 })),
    );
    await settled();
    const next = life.system.actor(pair).job("next");
    await life.clock.advance(100);
    expect(await Promise.all(late)).toEqual(late.map(() => "DEADLINE_EXCEEDED no"));
    expect([aborted, jobs()]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    await life.clock.advance(50);
    expect(jobs()).toEqual(["a", "b", "next"]);
    await end("next");
    expect(await next).toBe("next done");
  });
});

describe("a message to a pooled actor", () => {
  test("that another instance took over and failed comes again, also to the first", async () => {
    const life = await startSystem([pair]);
    const { system, clock } = life;
    await startJobs(life, pair, ["one", "two"]);
    await system.effect(pair).job("message");
    await clock.advance(1);
    await end("two");
    expect(jobs()).toEqual(["one", "message"]);
    await end("message", new Error("not now"));
    void quiet(system.actor(pair).job("three"));
    await settled();
    await end("one");
    expect(jobs()).toEqual(["three"]);
    await clock.advance(2_000);
    await settled();
    expect(jobs()).toEqual(["three", "message"]);
    await end("message");
    expect(await system.messages.list()).toEqual([]);
  });
});

describe("the queue of a pooled actor", () => {
  test("is bounded for all instances together", async () => {
    const life = await startSystem([pair], { limits: { mailboxLengthMax: 5 } });
    const { calls: running } = await startJobs(life, pair, ["a", "b"]);
    const calls = Array.from({ length: 5 }, (_, n) => life.system.actor(pair).now(`${n}`));
    const error = await errorOf(life.system.actor(pair).now("one too many"));
    expect(error).toMatchObject({ code: "OVERLOADED", applied: "no", retryable: true });
    expect(error.message).toContain("test/pair has 5 invocations waiting");
    await end("a");
    expect(await Promise.all(calls)).toEqual(["0", "1", "2", "3", "4"]);
    await end("b");
    expect(await Promise.all(running)).toEqual(["a done", "b done"]);
    expect(await life.system.actor(pair).now("room again")).toBe("room again");
  });

  test("is bounded in memory, too", async () => {
    const life = await startSystem([pair], { limits: { mailboxUnitsMax: 1_000 } });
    await startJobs(life, pair, ["a", "b"]);
    const call = life.system.actor(pair).now("x".repeat(600));
    expect(await failureOf(life.system.actor(pair).now("y".repeat(600)))).toBe("OVERLOADED no");
    await end("a");
    expect(await call).toHaveLength(600);
  });

  test("counts in the queue of the system, and leaves nothing behind there", async () => {
    const life = await startSystem([pair], { limits: { queuedMax: 4 } });
    for (let round = 0; round < 10; round++) {
      const { calls: long } = await startJobs(life, pair, ["long", "b"]);
      const calls = Array.from({ length: 4 }, (_, n) => life.system.actor(pair).now(`${n}`));
      expect(await failureOf(life.system.actor(pair).now("full"))).toBe("OVERLOADED no");
      await end("b");
      expect(await Promise.all(calls)).toEqual(["0", "1", "2", "3"]);
      await end("long");
      expect(await Promise.all(long)).toHaveLength(2);
    }
  });
});

describe("init of a pooled actor", () => {
  test("runs for each instance, before its first action", async () => {
    const life = await startSystem([pair]);
    await startJobs(life, pair, ["a", "b", "c"]);
    expect([inits, jobs()]).toEqual([2, ["a", "b"]]);
  });

  test("that throws refuses those that waited for that instance, and no others", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["a"]);
    isInitBroken = true;
    const error = await errorOf(life.system.actor(pair).now("x"));
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(error.message).toContain("no connection");
    isInitBroken = false;
    expect([await life.system.actor(pair).now("x"), inits]).toEqual(["x", 3]);
    await end("a");
    expect(await calls[0]).toBe("a done");
  });
});

describe("a chain of calls", () => {
  const looping = actor("looping", {
    kind: "pooled",
    actions: {
      itself: (ctx): Promise<unknown> => ctx.invoke("looping", { action: "end" }),
      around: (ctx): Promise<unknown> => ctx.invoke("between", { action: "back" }),
      later: (ctx): Promise<unknown> => ctx.invoke("looping", { action: "end", async: true }),
      end: () => "end",
    },
  });
  const between = actor("between", {
    actions: { back: (ctx): Promise<unknown> => ctx.invoke("looping", { action: "end" }) },
  });

  test("does not come back to a pooled actor: all its instances might wait for it", async () => {
    const { system } = await startSystem([looping, between]);
    for (const action of ["itself", "around"] as const) {
      const error = await errorOf(system.actor(looping)[action]());
      expect(error.message).toContain("[CYCLE] test/looping waits for this call");
    }
  });

  test("may come back without anybody waiting", async () => {
    const { system, events } = await startSystem([looping, between]);
    expect(await system.actor(looping).later()).toBeUndefined();
    await settled();
    expect(events.filter(({ type }) => type === "async-failed")).toEqual([]);
  });
});

describe("the end of a system with a pooled actor", () => {
  test("waits for what runs and for what is queued", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["a", "b", "c", "d"]);
    const stopping = watched(life.system.stop());
    for (const name of ["b", "d", "c", "a"]) {
      expect(stopping.isSettled).toBe(false);
      await end(name);
    }
    expect(await Promise.all(calls)).toEqual(["a", "b", "c", "d"].map((n) => `${n} done`));
    while (!stopping.isSettled) await life.clock.advance(10);
    expect(liveCount(life)).toBe(0);
  });

  test("refuses what has not ended in time, with every instance", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["a", "b", "c", "d"]);
    const failures = calls.map(failureOf);
    const stopping = watched(life.system.stop({ drainTimeoutMs: 100 }));
    while (!stopping.isSettled) await life.clock.advance(50);
    expect(await Promise.all(failures)).toEqual(failures.map(() => "SHUTTING_DOWN no"));
    expect([aborted, jobs(), liveCount(life)]).toEqual([["a", "b"], ["a", "b"], 0]);
  });

  test("by a crash leaves no caller waiting", async () => {
    const life = await startSystem([pair]);
    const { calls } = await startJobs(life, pair, ["a", "b", "c", "d"]);
    const failures = calls.map(failureOf);
    life.system.crash();
    expect(await Promise.all(failures)).toEqual(failures.map(() => "UNKNOWN_OUTCOME unknown"));
    await settled();
    expect([jobs(), liveCount(life)]).toEqual([["a", "b"], 0]);
  });
});

test("what the statestore keeps of a pooled actor is nothing, and asking for it is an error", async () => {
  const { system } = await startSystem([pair]);
  expect(() => system.stored(pair)).toThrow("[INVALID_ARGUMENT] test/pair is pooled");
});

describe("any mixture of calls", () => {
  const MAX = 3;
  const clock = new VirtualClock();
  let running = 0;
  let waiting = new Set<number>();
  const mixed = actor("mixed", {
    kind: "pooled",
    pool: { min: 0, max: MAX },
    deactivateTimeoutMs: 20,
    actions: {
      quick: (_ctx, { id }: { id: number }) => void waiting.delete(id),
      async slow(ctx, { id, ms }: { id: number; ms: number }) {
        waiting.delete(id);
        running++;
        await new Promise<void>((resolve) => {
          clock.timer(ms, resolve);
          ctx.signal.addEventListener("abort", () => resolve());
        });
        running--;
      },
    },
  });

  test.each([1, 2, 3, 4, 5])("is answered, and lets no instance idle: seed %s", async (seed) => {
    const random = seededRandom(seed);
    const below = (bound: number): number => Math.floor(random.fraction() * bound);
    running = 0;
    waiting = new Set();
    const life = await startSystem([mixed], { clock, limits: { queuedMax: 12 } });
    const ref = life.system.actor(mixed);
    const outcomes = new Map<string, number>();
    const calls: Promise<void>[] = [];
    const callOnce = (id: number): void => {
      waiting.add(id);
      const giveUp = new AbortController();
      if (below(10) === 0) clock.timer(below(50), () => giveUp.abort());
      const options = { deadlineMs: 10 + below(300), signal: giveUp.signal };
      const call =
        below(3) === 0 ? ref.quick({ id }, options) : ref.slow({ id, ms: below(40) }, options);
      const settle = (outcome: string): void => {
        waiting.delete(id);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      };
      calls.push(
        call.then(
          () => settle("ok"),
          (error: { code: string }) => settle(error.code),
        ),
      );
    };
    for (let round = 0; round < 500; round++) {
      // Now and then a pause, in which instances leave memory.
      const isPause = round % 100 > 80;
      for (let count = isPause ? 0 : below(4); count > 0; count--) callOnce(calls.length);
      await settled();
      expect(running).toBeLessThanOrEqual(MAX);
      if (waiting.size > 0) expect(running).toBe(MAX);
      await clock.advance(below(15));
    }
    await clock.advance(1_000);
    await Promise.all(calls);
    expect([...outcomes.keys()].toSorted()).toEqual([
      "CANCELLED",
      "DEADLINE_EXCEEDED",
      "OVERLOADED",
      "ok",
    ]);
    expect([running, liveCount(life)]).toEqual([0, 0]);
    // Nothing is left in the count of what is queued.
    const last = Array.from({ length: 12 }, (_, id) => ref.quick({ id }));
    expect(await failureOf(ref.quick({ id: 12 }))).toBe("OVERLOADED no");
    expect(await Promise.all(last)).toHaveLength(12);
  });
});

/** What is promised of the calls that actions make to other actors. */
import { describe, expect, test } from "vitest";
import { actor, isSpawnError } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { counter } from "./counter.ts";
import { errorOf, failureOf, settled, startSystem, watched } from "./start-system.ts";

/** The system under test, for actions that reach it as a module of a program would. */
let reached: ActorSystem;

const caller = actor("caller", {
  kind: "unnamed",
  state: () => ({ calls: 0, leaked: undefined as unknown }),
  actions: {
    touch: (ctx) => ++ctx.state.calls,
    async add(ctx, by: number): Promise<number> {
      ctx.state.calls++;
      return await ctx.actor(counter, "target").add(by);
    },
    async addThroughSystem(ctx, by: number): Promise<number> {
      ctx.state.calls++;
      await settled();
      return await reached.actor(counter, "target").add(by);
    },
    async addByName(_ctx, by: number) {
      return await reached.invoke("target", { definition: "counter", action: "add", payload: by });
    },
    async survives(ctx): Promise<string> {
      const error = await errorOf(ctx.actor(counter, "target").throws());
      ctx.state.calls++;
      return `${error.code} ${error.applied}`;
    },
    async passesOn(ctx): Promise<void> {
      await ctx.actor(counter, "target").throws();
    },
    async who(ctx): Promise<unknown> {
      return await ctx.actor(witness).look(undefined, { metadata: { trace: "t1" } });
    },
    async later(ctx): Promise<void> {
      ctx.state.calls++;
      await ctx.actor(counter, "target").add(1, { async: true });
    },
    async slowly(ctx, options: { deadlineMs?: number }): Promise<void> {
      await ctx.actor(sleeper).sleep(undefined, options);
    },
  },
});

const witness = actor("witness", {
  actions: {
    look: (ctx) => ({ caller: ctx.caller ?? null, metadata: ctx.metadata, self: ctx.self }),
  },
});

/** Of the action that sleeps. */
let asleep: AbortSignal;

const sleeper = actor("sleeper", {
  actions: {
    sleep(ctx): Promise<void> {
      asleep = ctx.signal;
      return new Promise(() => undefined);
    },
  },
});

/** Hits itself or others along a list of names. */
const link = actor("link", {
  kind: "unnamed",
  state: () => ({ hits: 0 }),
  actions: {
    async hit(ctx, path: string[]): Promise<number> {
      ctx.state.hits++;
      const [next, ...rest] = path;
      return next === undefined ? 1 : 1 + (await ctx.actor(link, next).hit(rest));
    },
    hitPlain(_ctx, path: string[]): Promise<number> {
      const [next, ...rest] = path;
      return next === undefined ? Promise.resolve(1) : reached.actor(link, next).hitPlain(rest);
    },
    async askBack(ctx, next: string): Promise<void> {
      await ctx.actor(link, next).callBack(ctx.self.name, { async: true });
    },
    async callBack(ctx, name: string): Promise<void> {
      await ctx.actor(link, name).hit([]);
    },
  },
});

/** Its promises go on outside of any run, since only asynchronous functions are followed. */
const plain = actor("plain", {
  actions: {
    whoLater: (): Promise<unknown> => settled().then(() => reached.actor(witness).look()),
  },
});
const starter = actor("starter", {
  actions: {
    whoLater: async (ctx): Promise<unknown> => await ctx.actor(plain).whoLater(),
    async goAhead(ctx): Promise<void> {
      await ctx.actor(plain).whoLater(undefined, { async: true });
    },
  },
});

const actors = [caller, counter, witness, sleeper, link, plain, starter];

async function started(options: Parameters<typeof startSystem>[1] = {}) {
  const life = await startSystem(actors, options);
  reached = life.system;
  return life;
}

describe("a call from an action", () => {
  test.each(["add", "addThroughSystem", "addByName"] as const)(
    "%s leaves only after the commits that the action could have seen",
    async (action) => {
      const { system, store } = await started();
      await system.actor(counter, "target").add(1);
      const hold = store.hold("commit");
      const before = watched(system.actor(caller, "a").touch());
      const call = watched(system.actor(caller, "a")[action](10));
      await settled();
      expect([before.isSettled, call.isSettled]).toEqual([false, false]);
      expect(await system.actor(counter, "target").peek()).toBe(1);
      expect(store.commits.map(({ actor: { name } }) => name)).toEqual(["target", "a"]);
      hold.release();
      expect(await call.promise).toBe(11);
      expect(await before.promise).toBe(1);
    },
  );

  test("is not made when what the action saw was not committed", async () => {
    const { system, store } = await started();
    await system.actor(counter, "target").add(1);
    const hold = store.hold("commit");
    store.fail("commit", { kind: "capacity" });
    const outcomes = [
      failureOf(system.actor(caller, "a").touch()),
      failureOf(system.actor(caller, "a").add(10)),
    ];
    await settled();
    hold.release();
    expect(await Promise.all(outcomes)).toEqual([
      "STATESTORE_UNAVAILABLE no",
      "STATESTORE_UNAVAILABLE no",
    ]);
    expect(await system.actor(counter, "target").peek()).toBe(1);
    expect(await system.actor(caller, "a").get()).toMatchObject({ calls: 0 });
  });

  test("that fails can be caught, and the action goes on", async () => {
    const { system } = await started();
    expect(await system.actor(caller, "a").survives()).toBe("ACTION_FAILED no");
    expect(await system.actor(caller, "a").get()).toMatchObject({ calls: 1 });
  });

  test("that fails uncaught is the action's failure, with the first one as its cause", async () => {
    const { system } = await started();
    const error = await errorOf(system.actor(caller, "a").passesOn());
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(isSpawnError(error.cause) && error.cause.message).toBe(
      "[ACTION_FAILED] test/counter/target throws: no",
    );
  });

  test("tells who calls, with the metadata of that call", async () => {
    const { system } = await started();
    expect(await system.actor(caller, "a").who()).toEqual({
      caller: { system: "test", definition: "caller", name: "a" },
      metadata: { trace: "t1" },
      self: { system: "test", definition: "witness", name: "witness" },
    });
    expect(await system.actor(witness).look()).toMatchObject({ caller: null, metadata: {} });
  });

  test("that names no action is refused as one from outside is", async () => {
    const misled = actor("misled", {
      actions: { ask: (ctx) => failureOf(ctx.invoke("target", null as never)) },
    });
    const { system } = await startSystem([misled]);
    expect(await system.actor(misled).ask()).toBe("INVALID_ARGUMENT no");
    expect(await failureOf(system.invoke("target", null as never))).toBe("INVALID_ARGUMENT no");
  });

  test("belongs to no other action, whoever brought the actor its turn", async () => {
    const { system, events } = await started();
    expect(await system.actor(plain).whoLater()).toMatchObject({ caller: null });
    expect(await system.actor(starter).whoLater()).toMatchObject({ caller: null });
    await system.actor(starter).goAhead();
    await settled();
    await settled();
    expect(events.filter(({ type }) => type === "async-failed")).toEqual([]);
  });

  test.each<[string, { deadlineMs?: number }, number]>([
    ["it asks for none", {}, 50],
    ["it asks for more", { deadlineMs: 10_000 }, 50],
    ["it asks for less", { deadlineMs: 20 }, 20],
  ])("has no more time than the action that makes it: %s", async (_what, options, endsAt) => {
    const { system, clock } = await started();
    const call = errorOf(system.actor(caller, "a").slowly(options, { deadlineMs: 50 }));
    await settled();
    await clock.advance(endsAt - 1);
    expect(asleep.aborted).toBe(false);
    await clock.advance(1);
    expect(asleep.reason).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(await call).toMatchObject({ applied: "no" });
  });
});

describe("a cycle of calls", () => {
  test.each([
    ["of an actor to itself", "a", ["a"]],
    ["through another", "a", ["b", "a"]],
    ["through two others", "a", ["b", "c", "b"]],
  ])("%s is refused at once with CYCLE", async (_what, first, path) => {
    const { system } = await started();
    const error = await errorOf(system.actor(link, first).hit(path));
    let cause: unknown = error;
    while (isSpawnError(cause) && isSpawnError(cause.cause)) ({ cause } = cause);
    expect(cause).toMatchObject({ code: "CYCLE", applied: "no" });
    expect((cause as Error).message).toContain(`test/link/${path.at(-1)}`);
    expect(await system.actor(link, "a").get()).toEqual({ hits: 0 });
    expect(await system.actor(link, "a").hit([])).toBe(1);
  });

  test("made through the system is refused just the same", async () => {
    const { system } = await started();
    const error = await errorOf(system.actor(link, "a").hitPlain(["a"]));
    expect(error.cause).toMatchObject({ code: "CYCLE" });
  });

  test("is none when the first does not wait: its call was asynchronous", async () => {
    const { system, events } = await started();
    await system.actor(link, "a").askBack("b");
    await settled();
    expect(events.filter(({ type }) => type === "async-failed")).toEqual([]);
    expect(await system.actor(link, "a").get()).toEqual({ hits: 1 });
  });

  test("is none when the same actor is called twice in a row", async () => {
    const { system } = await started();
    expect(await system.actor(caller, "a").add(1)).toBe(1);
    expect(await system.actor(caller, "a").add(1)).toBe(2);
  });
});

describe("a chain of calls", () => {
  const path = (length: number) => Array.from({ length }, (_, index) => `link-${index}`);

  test("may be as long as its limit, and one longer is refused", async () => {
    const { system } = await started({ limits: { chainLengthMax: 4 } });
    expect(await system.actor(link, "first").hit(path(4))).toBe(5);
    let cause: unknown = await errorOf(system.actor(link, "second").hit(path(5)));
    while (isSpawnError(cause) && isSpawnError(cause.cause)) ({ cause } = cause);
    expect(cause).toMatchObject({ code: "CYCLE" });
    expect((cause as Error).message).toContain("more than 4 actors");
  });
});

describe("an asynchronous call from an action", () => {
  test("is made after the commit, and the action does not wait for it", async () => {
    const { system } = await started();
    expect(await system.actor(caller, "a").later()).toBeUndefined();
    expect(await system.actor(counter, "target").peek()).toBe(1);
  });
});

describe("two systems of one process", () => {
  test("reach each other by name, also from inside an action", async () => {
    const far = await startSystem([counter], { name: "far" });
    const asker = actor("asker", {
      actions: {
        ask: async (ctx) =>
          await ctx.invoke<number>("c", {
            system: "far",
            definition: "counter",
            action: "add",
            payload: 2,
          }),
        askTyped: async () => await far.system.actor(counter, "c").add(3),
      },
    });
    const near = await startSystem([asker], { name: "near" });
    const request = { system: "far", definition: "counter", action: "add", payload: 1 };
    expect(await near.system.invoke("c", request)).toBe(1);
    expect(await near.system.actor(asker).ask()).toBe(3);
    expect(await near.system.actor(asker).askTyped()).toBe(6);
    expect(await far.system.actor(counter, "c").peek()).toBe(6);
  });

  test("that is not there is ACTOR_NOT_FOUND with its name", async () => {
    const { system } = await started();
    const error = await errorOf(system.invoke("c", { system: "nowhere", action: "add" }));
    expect(error).toMatchObject({ code: "ACTOR_NOT_FOUND", applied: "no" });
    expect(error.message).toContain('"nowhere"');
  });

  test("by the name of an instance alone says that its definition is missing", async () => {
    const { system } = await started();
    await system.actor(counter, "c").add(1);
    const error = await errorOf(system.invoke("c", { action: "add" }));
    expect(error).toMatchObject({ code: "ACTOR_NOT_FOUND", applied: "no" });
    expect(error.message).toContain("called with its definition");
  });
});

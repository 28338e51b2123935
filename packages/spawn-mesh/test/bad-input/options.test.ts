/** Options that make no sense are refused in plain words, before anything happens. */
import { describe, expect, test } from "vitest";
import { actor, actorSystem, isSpawnError, state } from "spawn-mesh";
import type { CallOptions } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { errorOf, startSystem } from "../behaviour/start-system.ts";

const counter = actor("counter", {
  state: () => ({ n: 0 }),
  actions: {
    add: (ctx, by: number) => (ctx.state.n += by),
    label(ctx, tags: unknown) {
      ctx.state.n++;
      ctx.tags = tags as Record<string, string>;
    },
    tags: (ctx) => ctx.tags,
    metadata: (ctx) => ctx.metadata,
  },
});
const stateless = actor("stateless", {
  actions: {
    hello: () => "hello",
    label(ctx) {
      ctx.tags = { a: "b" };
    },
    state(ctx) {
      (ctx as { state: unknown }).state = 1;
    },
  },
});

const many = (count: number, value: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, value]));

/** Expects a call with these options to be refused as said, and nothing to have happened. */
async function expectRefused(options: unknown, ...messages: string[]): Promise<void> {
  const { system, store } = await startSystem([counter]);
  await system.actor(counter).add(1);
  const error = await errorOf(system.actor(counter).add(5, options as CallOptions));
  for (const message of messages) expect(error.message).toContain(message);
  expect(error).toMatchObject({ applied: "no", retryable: false });
  expect(await system.actor(counter).add(1)).toBe(2);
  expect(store.commits).toHaveLength(2);
}

describe("call options", () => {
  test.each<[unknown, string]>([
    [-1, "got -1"],
    [0, "got 0"],
    [1.5, "got 1.5"],
    [1e18, "got 1000000000000000000"],
    [Number.NaN, "got NaN"],
    [Infinity, "got Infinity"],
    ["5", 'got "5"'],
    [null, "got null"],
    [5n, "got"],
    [{}, "got"],
    [Object.create(null), "got"],
  ])("a deadlineMs of %s is refused", async (deadlineMs, got) => {
    await expectRefused(
      { deadlineMs },
      "[INVALID_ARGUMENT] test/counter add: deadlineMs: expected a whole number",
      got,
    );
  });

  test.each<[string, unknown, string]>([
    ["empty", "", "expected 1 to 256 bytes"],
    ["257 bytes long", "k".repeat(257), "got 257"],
    ["258 bytes of two-byte letters", "é".repeat(129), "expected 1 to 256 bytes"],
    ["half a surrogate pair", "\ud800", "expected 1 to 256 bytes"],
    ["a number", 5, "got number"],
    ["null", null, "expected 1 to 256 bytes"],
  ])("an idempotency key that is %s is refused", async (_what, idempotencyKey, message) => {
    await expectRefused(
      { idempotencyKey },
      "[INVALID_ARGUMENT] test/counter add: idempotencyKey",
      message,
    );
  });

  test.each<[string, unknown, string]>([
    ["with numbers", { a: 1 }, "metadata: expected an object whose values are strings"],
    ["with null", { a: null }, "metadata: expected an object whose values are strings"],
    ["nested", { a: { b: "c" } }, "metadata: expected an object whose values are strings"],
    ["as a list", ["a"], "metadata: expected an object whose values are strings"],
    ["as text", "a=b", "metadata: expected an object whose values are strings"],
    ["null", null, "metadata: expected an object whose values are strings"],
    ["as a Map", new Map([["a", "b"]]), "metadata: got an instance of Map"],
    [
      "of 10 000 keys",
      many(10_000, "value"),
      "[PAYLOAD_TOO_LARGE] test/counter add: metadata: expected at most 65536",
    ],
    [
      "of one huge value",
      { a: "x".repeat(65_536) },
      "[PAYLOAD_TOO_LARGE] test/counter add: metadata",
    ],
  ])("metadata %s is refused", async (_what, metadata, message) => {
    await expectRefused({ metadata }, message);
  });

  test("metadata of 1 000 keys arrives", async () => {
    const { system } = await startSystem([counter]);
    const metadata = many(1_000, "value");
    expect(await system.actor(counter).metadata(undefined, { metadata })).toEqual(metadata);
  });

  test.each<[string, unknown, string]>([
    ["a signal that is none", { signal: {} }, "options.signal: expected an AbortSignal"],
    ["a signal that is null", { signal: null }, "options.signal: expected an AbortSignal"],
    ["an async that is no boolean", { async: "yes" }, "options.async: expected a boolean"],
    [
      "an option that does not exist",
      { deadline: 5 },
      "options: there is no option deadline, did you mean deadlineMs? There are",
    ],
    ["an option of another library", { timeout: 5 }, "there are deadlineMs"],
    ["options that are text", "fast", "options"],
    ["options that are a number", 5, "options"],
  ])("%s is refused", async (_what, options, message) => {
    await expectRefused(options, "[INVALID_ARGUMENT]", message);
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["text", "add"],
    ["no action", {}],
    ["an action that is no text", { action: 42 }],
    ["a definition that is no text", { action: "add", definition: {} }],
    ["a system that is no text", { action: "add", system: 5 }],
  ])("a request by name that is %s is an error of the platform", async (_what, request) => {
    const { system } = await startSystem([counter]);
    const error = await errorOf(system.invoke("counter", request as never));
    expect(error.code).toMatch(/^(INVALID_ARGUMENT|ACTION_NOT_FOUND|ACTOR_NOT_FOUND)$/);
    expect(error.applied).toBe("no");
    expect(await system.actor(counter).add(1)).toBe(1);
  });
});

describe("tags", () => {
  test.each<[string, unknown, string]>([
    ["with numbers", { a: 1 }, "[INVALID_ARGUMENT] test/setter set: tags: expected an object"],
    ["as a list", ["a"], "[INVALID_ARGUMENT] test/setter set: tags: expected an object"],
    ["that are null", null, "[INVALID_ARGUMENT] test/setter set: tags: expected an object"],
    ["that are text", "a", "[INVALID_ARGUMENT] test/setter set: tags: expected an object"],
    ["as a Map", new Map(), "[INVALID_ARGUMENT] test/setter set: tags: got an instance of Map"],
    ["of 10 000 keys", "many", "[PAYLOAD_TOO_LARGE] test/setter set: tags: expected at most 65536"],
  ])("%s are refused, and the state is what it was", async (_what, tags, message) => {
    const setter = actor("setter", {
      state: () => ({ n: 0 }),
      actions: {
        set(ctx) {
          ctx.state.n++;
          ctx.tags = (tags === "many" ? many(10_000, "value") : tags) as never;
        },
        show: (ctx) => [ctx.state, ctx.tags],
      },
    });
    const { system } = await startSystem([setter]);
    const error = await errorOf(system.actor(setter).set());
    expect(error.message).toContain(message);
    expect(error.applied).toBe("no");
    expect(await system.actor(setter).show()).toEqual([{ n: 0 }, {}]);
  });

  test("with odd names and line breaks stay as they are", async () => {
    const { system, clock } = await startSystem([counter]);
    const tags = JSON.parse(
      '{"__proto__":"a","constructor":"b","":"c","x\\r\\ny":"\\r\\n"}',
    ) as object;
    await system.actor(counter).label(tags);
    await clock.advance(60_000);
    expect(await system.actor(counter).tags()).toStrictEqual(tags);
  });
});

describe("an actor without a state", () => {
  test.each(["label", "state"] as const)("cannot keep anything: %s", async (action) => {
    const { system, store } = await startSystem([stateless]);
    expect(await errorOf(system.actor(stateless)[action]())).toMatchObject({ applied: "no" });
    expect(await system.actor(stateless).hello()).toBe("hello");
    expect(store.commits).toEqual([]);
  });

  test("cannot remember keys, and says so", async () => {
    const { system } = await startSystem([stateless]);
    const error = await errorOf(system.actor(stateless).hello(undefined, { idempotencyKey: "k" }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain("idempotencyKey");
  });
});

describe("a definition", () => {
  const make = (options: unknown) => () => actor("odd", options as never);

  test.each<[string, unknown, string]>([
    ["no options", undefined, "odd"],
    ["null", null, "odd"],
    ["no actions", {}, "actions of odd: expected an object of functions, got undefined"],
    [
      "a list of actions",
      { actions: [] },
      "actions of odd: expected an object of functions, got an array",
    ],
    ["actions that are a function", { actions: () => 1 }, "actions of odd"],
    [
      "an action that is no function",
      { actions: { a: 5 } },
      "action a of odd: expected a function, got number",
    ],
    ["an unknown kind", { kind: "many", actions: {} }, 'kind of odd: expected "named"'],
    ["a kind that is to come", { kind: "projection", actions: {} }, "projection"],
    ["a pool that is not pooled", { pool: { max: 2 }, actions: {} }, 'got "named"'],
    ["a pool that is a number", { kind: "pooled", pool: 4, actions: {} }, "expected { min, max }"],
    ["a pool that is null", { kind: "pooled", pool: null, actions: {} }, "expected { min, max }"],
    [
      "a pool of none",
      { kind: "pooled", pool: { min: 0, max: 0 }, actions: {} },
      "pool.max of odd: expected a whole number from 1 to 256, got 0",
    ],
    ["too large a pool", { kind: "pooled", pool: { max: 257 }, actions: {} }, "pool.max of odd"],
    [
      "a pool whose smallest size is the larger one",
      { kind: "pooled", pool: { min: 3, max: 2 }, actions: {} },
      "pool.max of odd: expected a whole number from 3 to 256, got 2",
    ],
    [
      "a pool of a negative size",
      { kind: "pooled", pool: { min: -1 }, actions: {} },
      "pool.min of odd",
    ],
    [
      "a pool with a state",
      { kind: "pooled", state: () => ({}), actions: {} },
      "state of odd: a pooled actor has no state",
    ],
    [
      "a pool that is durable",
      { kind: "pooled", durability: "durable", actions: {} },
      "durability of odd: a pooled actor has no state",
    ],
    [
      "a pool with snapshots",
      { kind: "pooled", snapshotTimeoutMs: 5, actions: {} },
      "snapshotTimeoutMs of odd: a pooled actor has no state",
    ],
    [
      "a pool with revisions",
      { kind: "pooled", revisionsKept: 0, actions: {} },
      "revisionsKept of odd: a pooled actor has no state",
    ],
    ["an unknown durability", { durability: "maybe", actions: {} }, 'got "maybe"'],
    [
      "a state that is a value",
      { state: { n: 0 }, actions: {} },
      "state of odd: expected a function",
    ],
    ["a state that is null", { state: null, actions: {} }, "state of odd: expected a function"],
    [
      "a negative idle time",
      { deactivateTimeoutMs: -1, actions: {} },
      "deactivateTimeoutMs of odd",
    ],
    ["an idle time of 0", { deactivateTimeoutMs: 0, actions: {} }, "deactivateTimeoutMs of odd"],
    [
      "an idle time of years",
      { deactivateTimeoutMs: 1e18, actions: {} },
      "deactivateTimeoutMs of odd",
    ],
    [
      "a snapshot time as text",
      { snapshotTimeoutMs: "5", actions: {} },
      'snapshotTimeoutMs of odd: expected a whole number from 1 to 2147483647, got "5"',
    ],
    ["half a revision", { revisionsKept: 0.5, actions: {} }, "revisionsKept of odd"],
    [
      "an init that is no function",
      { init: 5, state: () => 0, actions: {} },
      "init of odd: expected a function",
    ],
  ])("with %s is refused", (_what, options, message) => {
    expect(make(options)).toThrow(message);
    expect(make(options)).toThrow("[INVALID_ARGUMENT]");
  });

  test.each([1, 2])("is the same with two of one name, %s way", async (way) => {
    const twin = actor("counter", { actions: {} });
    const actors = way === 1 ? [counter, twin] : [counter, counter];
    await expect(startSystem(actors)).rejects.toMatchObject({ code: "ALREADY_REGISTERED" });
  });

  test.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new Error("no beginning");
      },
      "[ACTION_FAILED]",
    ],
    ["gives nothing", () => undefined, "[INVALID_ARGUMENT] test/odd: state: got undefined"],
    [
      "gives a promise",
      () => Promise.resolve({}),
      "[INVALID_ARGUMENT] test/odd: state: got an instance of Promise",
    ],
    ["gives a Map", () => new Map(), "[INVALID_ARGUMENT] test/odd: state: got an instance of Map"],
  ])("whose first state %s makes an actor that answers so", async (_what, initial, message) => {
    const odd = actor("odd", { state: initial, actions: { a: () => 1 } } as never);
    const { system, store } = await startSystem([odd, counter]);
    const error = await errorOf(system.invoke("odd", { action: "a" }));
    expect(error.message).toContain(message);
    expect(await system.actor(counter).add(1)).toBe(1);
    expect(store.commits).toHaveLength(1);
  });

  test("whose schema answers asynchronously or throws makes an actor that answers so", async () => {
    const schema = (validate: () => unknown) =>
      ({ "~standard": { version: 1, vendor: "test", validate } }) as never;
    const slow = actor("slow", {
      state: state(
        schema(async () => ({ value: 1 })),
        () => 1 as never,
      ),
      actions: {},
    } as never);
    const broken = actor("broken", {
      state: state(
        schema(() => {
          throw new Error("broken schema");
        }),
        () => 1 as never,
      ),
      actions: {},
    } as never);
    const { system } = await startSystem([slow, broken]);
    const first = await errorOf(system.invoke("slow", { action: "get" }));
    expect(first.message).toContain("asynchronously");
    const second = await errorOf(system.invoke("broken", { action: "get" }));
    expect(second.message).toContain("broken schema");
  });
});

describe("a system", () => {
  const statestore = memoryStatestore();

  test.each<[string, unknown, string]>([
    ["no options", undefined, "actors of odd"],
    ["no actors", { statestore }, "actors of odd"],
    ["actors that are one", { statestore, actors: counter }, "actors of odd"],
    ["an actor that is none", { statestore, actors: [{ name: "x", kind: "named" }] }, "actor(…)"],
    ["an actor that is null", { statestore, actors: [null] }, "actor(…)"],
    [
      "a limit that does not exist",
      { statestore, actors: [], limits: { mailbox: 5 } },
      "limits.mailbox: there is no such limit; there are mailboxLengthMax, ",
    ],
    [
      "a limit from every object",
      { statestore, actors: [], limits: { toString: 5 } },
      "limits.toString: there is no such limit",
    ],
    ["a limit of 0", { statestore, actors: [], limits: { queuedMax: 0 } }, "limits.queuedMax"],
    ["a limit as text", { statestore, actors: [], limits: { queuedMax: "5" } }, 'got "5"'],
  ])("with %s is refused", (_what, options, message) => {
    let error: unknown;
    try {
      actorSystem("odd", options as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(isSpawnError(error) && error.message).toContain(message);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("whose listener throws goes on", async () => {
    const system = actorSystem("listened", {
      actors: [counter],
      statestore,
      handleSignals: false,
      onEvent() {
        throw new Error("listener");
      },
    });
    await system.start();
    expect(await system.actor(counter).add(1)).toBe(1);
    system.crash();
  });
});

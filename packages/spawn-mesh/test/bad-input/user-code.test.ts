/** What the code of actions may do wrong: each call gets its own answer, and the actor goes on. */
import { describe, expect, test } from "vitest";
import { actor, fail } from "spawn-mesh";
import type { AnyActor } from "spawn-mesh";
import { crashAndRestart, errorOf, settled, startSystem } from "../behaviour/start-system.ts";

type Untyped = Record<string, (ctx: { state: { total: number } }, payload?: unknown) => unknown>;

/** An actor whose code the compiler does not check, with a good action beside the bad ones. */
function badActor(actions: Untyped, name = "bad"): AnyActor {
  return actor(name, {
    state: () => ({ total: 0 }),
    actions: {
      ...(actions as object),
      add(ctx: { state: { total: number } }, by: number) {
        ctx.state.total += by;
        return ctx.state.total;
      },
    },
  } as never);
}

/** Runs `act`, a bad action, between two good ones, and once more after a restart. */
async function errorBetweenGoodCalls(act: Untyped[string], payload?: unknown) {
  const bad = badActor({ act });
  const life = await startSystem([bad]);
  const invoke = (action: string, by?: unknown) =>
    life.system.invoke("bad", { action, payload: by });
  expect(await invoke("add", 1)).toBe(1);
  const [error, after] = await Promise.all([errorOf(invoke("act", payload)), invoke("add", 1)]);
  expect(after).toBe(2);
  const next = await crashAndRestart(life, [bad]);
  expect(await next.system.invoke("bad", { action: "get" })).toEqual({ total: 2 });
  next.system.crash();
  return error;
}

const change = (ctx: { state: { total: number } }): void => {
  ctx.state.total += 1_000;
};

const hostile = {
  throwingThen: () => ({
    // oxlint-disable-next-line unicorn/no-thenable -- that is the point
    get then(): never {
      throw new Error("no then");
    },
  }),
  throwingThenable: () => ({
    // oxlint-disable-next-line unicorn/no-thenable -- that is the point
    then() {
      throw new Error("then throws");
    },
  }),
  throwingHas: () =>
    new Proxy(
      {},
      {
        has() {
          throw new Error("has throws");
        },
      },
    ),
  throwingKeys: () =>
    new Proxy(
      {},
      {
        ownKeys() {
          throw new Error("keys throw");
        },
      },
    ),
  errorWithoutMessage: () =>
    Object.defineProperty(new Error("x"), "message", {
      get() {
        throw new Error("message throws");
      },
    }),
};

describe("an action that throws", () => {
  test.each<[string, () => unknown, string]>([
    ["an error", () => new Error("full"), "full"],
    ["undefined", () => undefined, "undefined"],
    ["null", () => null, "null"],
    ["a text", () => "just text", "just text"],
    ["a number", () => 42, "42"],
    ["a symbol", () => Symbol("odd"), "Symbol(odd)"],
    ["a frozen error", () => Object.freeze(new Error("frozen")), "frozen"],
    ["an object without a prototype", () => Object.create(null), "cannot be printed"],
    ["an error whose message throws", hostile.errorWithoutMessage, "cannot be printed"],
    [
      "an error whose message is no text",
      () => Object.assign(new Error("x"), { message: Symbol("m") }),
      "Symbol(m)",
    ],
    ["a proxy that throws when looked at", hostile.throwingHas, "bad act"],
    ["a function", () => () => 1, "() => 1"],
    ["a plain object", () => ({ code: 5 }), "which is no Error; throw one, or return fail(code"],
  ])(
    "%s is answered with ACTION_FAILED, and nothing has changed",
    async (_what, thrown, message) => {
      const error = await errorBetweenGoodCalls((ctx) => {
        change(ctx);
        throw thrown();
      });
      expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
      expect(error.message).toContain(message);
      const late = await errorBetweenGoodCalls(async (ctx) => {
        await settled();
        change(ctx);
        throw thrown();
      });
      expect(late).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    },
  );

  test("keeps what it threw as the cause", async () => {
    const thrown = new TypeError("deep");
    const error = await errorBetweenGoodCalls(() => {
      throw thrown;
    });
    expect(error.cause).toBe(thrown);
  });
});

describe("an action that returns", () => {
  test.each<[string, () => unknown, string]>([
    [
      "a thenable that throws",
      hostile.throwingThenable,
      "[ACTION_FAILED] test/bad act: then throws",
    ],
    ["an object whose then throws", hostile.throwingThen, "[ACTION_FAILED] test/bad act: no then"],
    [
      "a proxy that throws when read",
      hostile.throwingKeys,
      "[INVALID_ARGUMENT] test/bad act: reply: cannot be read: keys throw",
    ],
    ["a Date", () => new Date(), "[INVALID_ARGUMENT] test/bad act: reply: got an instance of Date"],
    [
      "a bigint",
      () => 5n,
      "expected null, a boolean, a finite number, a string, an array or a plain object; String(value) is one",
    ],
    [
      "a function inside",
      () => ({ f: [() => 1] }),
      "[INVALID_ARGUMENT] test/bad act: reply.f[0]: got function",
    ],
    ["NaN", () => Number.NaN, "[INVALID_ARGUMENT] test/bad act: reply: got NaN"],
    [
      "a text above the limit",
      () => "x".repeat(2 ** 20),
      "[PAYLOAD_TOO_LARGE] test/bad act: reply: expected at most 1048576 bytes",
    ],
    [
      "a cycle",
      () => {
        const cycle: Record<string, unknown> = {};
        cycle["self"] = cycle;
        return cycle;
      },
      "[INVALID_ARGUMENT] test/bad act: reply.self: got a cycle",
    ],
    [
      "an object with a getter that throws",
      () => ({
        get secret(): never {
          throw new Error("getter throws");
        },
      }),
      "[INVALID_ARGUMENT] test/bad act: reply: cannot be read: getter throws",
    ],
    [
      "a failure with data that is no value",
      () => fail("odd", new Map()),
      "[ACTION_FAILED] test/bad act: odd, with data that is no JSON value",
    ],
    [
      "a failure whose code is no text",
      () => fail(Symbol("c") as never),
      '[ACTION_FAILED] test/bad act: [INVALID_ARGUMENT] fail: expected a code, such as "closed", got Symbol(c)',
    ],
  ])("%s changes nothing and says why", async (_what, reply, message) => {
    const error = await errorBetweenGoodCalls((ctx) => {
      change(ctx);
      return reply();
    });
    expect(error).toMatchObject({ applied: "no" });
    expect(error.message).toContain(message);
  });

  test.each(["then", "constructor"])(
    "a promise with a broken %s holds up nobody",
    async (field) => {
      const get = (): never => {
        throw new Error("broken");
      };
      const life = await startSystem([
        badActor({ act: () => Object.defineProperty(Promise.resolve(7), field, { get }) }),
        badActor({ act: () => Object.assign(Promise.resolve(7), { [field]: get }) }, "worse"),
      ]);
      const outcomes = ["bad", "worse"].map((name) =>
        life.system.invoke(name, { action: "act" }).catch(() => "failed"),
      );
      expect(await life.system.invoke("bad", { action: "add", payload: 1 })).toBe(1);
      for (const outcome of await Promise.all(outcomes)) expect([7, "failed"]).toContain(outcome);
    },
  );

  test("a promise of a promise is answered with what is inside", async () => {
    const life = await startSystem([
      badActor({
        // oxlint-disable-next-line unicorn/no-thenable -- that is the point
        act: () => ({ then: (resolve: (value: unknown) => void) => resolve(Promise.resolve(7)) }),
      }),
    ]);
    expect(await life.system.invoke("bad", { action: "act" })).toBe(7);
  });
});

describe("an action that leaves a state behind that is no value", () => {
  test.each<[string, unknown, string]>([
    ["undefined", undefined, "[INVALID_ARGUMENT] test/bad act: state: got undefined"],
    ["a Map", new Map(), "[INVALID_ARGUMENT] test/bad act: state: got an instance of Map"],
    [
      "a bigint inside",
      { deep: [{ big: 1n }] },
      "[INVALID_ARGUMENT] test/bad act: state.deep[0].big: got bigint",
    ],
    ["Infinity", { n: Infinity }, "[INVALID_ARGUMENT] test/bad act: state.n: got Infinity"],
    ["a hole", [1, , 3], "[INVALID_ARGUMENT] test/bad act: state[1]: got undefined"], // oxlint-disable-line no-sparse-arrays
    ["a symbol", { s: Symbol("s") }, "[INVALID_ARGUMENT] test/bad act: state.s: got symbol"],
    [
      "more than the limit",
      "x".repeat(16 * 2 ** 20),
      "[PAYLOAD_TOO_LARGE] test/bad act: state: expected a",
    ],
  ])("%s is refused, and the state is what it was", async (_what, state, message) => {
    const error = await errorBetweenGoodCalls((ctx) => {
      (ctx as { state: unknown }).state = state;
    });
    expect(error).toMatchObject({ applied: "no" });
    expect(error.message).toContain(message);
  });

  test("a getter that throws is refused, and the state is what it was", async () => {
    const error = await errorBetweenGoodCalls((ctx) => {
      Object.defineProperty(ctx.state, "odd", {
        enumerable: true,
        get() {
          throw new Error("getter throws");
        },
      });
    });
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain("getter throws");
  });
});

describe("an action that does not come to an end", () => {
  test.each<[string, () => unknown]>([
    ["never resolves", () => new Promise(() => undefined)],
    // oxlint-disable-next-line unicorn/no-thenable -- that is the point
    ["returns a thenable that never settles", () => ({ then: () => undefined })],
  ])("because it %s is abandoned after its deadline and the grace", async (_what, act) => {
    const { system, clock } = await startSystem([badActor({ act: act as never })]);
    const stuck = errorOf(system.invoke("bad", { action: "act", deadlineMs: 100 }));
    const after = system.invoke("bad", { action: "add", payload: 1 });
    await clock.advance(100);
    expect(await stuck).toMatchObject({ code: "DEADLINE_EXCEEDED", applied: "no" });
    await clock.advance(5_000);
    expect(await after).toBe(1);
  });

  test("in time but rejects late is a deadline, and the late rejection is nobody's", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): number => unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    let reject: (reason: unknown) => void = () => undefined;
    const act = () => new Promise((_, rejected) => (reject = rejected));
    const { system, clock } = await startSystem([badActor({ act })]);
    const late = errorOf(system.invoke("bad", { action: "act", deadlineMs: 100 }));
    await clock.advance(10_000);
    expect(await late).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    reject(new Error("late"));
    await settled();
    process.off("unhandledRejection", onUnhandled);
    expect(unhandled).toEqual([]);
    expect(await system.invoke("bad", { action: "add", payload: 1 })).toBe(1);
  });

  test("once but settles twice counts once", async () => {
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable -- that is the point
      then(resolve: (value: unknown) => void, reject: (reason: unknown) => void) {
        resolve("first");
        resolve("second");
        reject(new Error("third"));
      },
    };
    const { system } = await startSystem([badActor({ act: () => twice })]);
    expect(await system.invoke("bad", { action: "act" })).toBe("first");
    expect(await system.invoke("bad", { action: "add", payload: 1 })).toBe(1);
  });
});

describe("an action that changes what is not its own any more", () => {
  test("the state, after it has returned: stored bytes and replies stay", async () => {
    let held = { total: 0 };
    const bad = badActor({
      act(ctx) {
        held = ctx.state;
        ctx.state.total++;
        return ctx.state;
      },
    });
    const life = await startSystem([bad]);
    const hold = life.store.hold("commit");
    const call = life.system.invoke("bad", { action: "act" });
    await settled();
    held.total = 1_000;
    hold.release();
    expect(await call).toEqual({ total: 1 });
    const next = await crashAndRestart(life, [bad]);
    expect(await next.system.invoke("bad", { action: "get" })).toEqual({ total: 1 });
  });
});

describe("an actor that deletes itself", () => {
  const mortal = actor("mortal", {
    state: () => ({ total: 0 }),
    actions: {
      add: (ctx, by: number) => (ctx.state.total += by),
      async die(ctx): Promise<void> {
        ctx.state.total += 100;
        await dying();
        ctx.state.total += 100;
      },
    },
  });
  let dying: () => Promise<void> = () => Promise.resolve();

  test("from inside an action waits in vain until the deadline, and goes on", async () => {
    const { system, clock } = await startSystem([mortal]);
    await system.actor(mortal).add(1);
    dying = () => system.stored(mortal).delete({ deadlineMs: 50 });
    const call = errorOf(system.actor(mortal).die());
    await clock.advance(50);
    expect(await call).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(await system.actor(mortal).get()).toEqual({ total: 1 });
  });

  test("in one go with writes around it does both in order", async () => {
    const { system } = await startSystem([mortal]);
    const ref = system.actor(mortal);
    const stored = system.stored(mortal);
    await Promise.all([ref.add(1), stored.delete(), ref.add(10), stored.delete(), ref.add(100)]);
    expect(await ref.get()).toEqual({ total: 100 });
  });
});

/** A call with an idempotency key is applied at most once, however often it is repeated. */
import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { actor } from "spawn-mesh";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";

let runs = 0;

const account = actor("account", {
  kind: "unnamed",
  state: () => ({ balance: 0 }),
  actions: {
    deposit(ctx, amount: number) {
      runs++;
      ctx.state.balance += amount;
      return { balance: ctx.state.balance };
    },
    silent(ctx, amount: number) {
      runs++;
      ctx.state.balance += amount;
    },
    failing(ctx) {
      runs++;
      if (ctx.state.balance === 0) throw new Error("empty");
      ctx.state.balance--;
      return ctx.state.balance;
    },
    long(ctx) {
      runs++;
      ctx.state.balance++;
      return "x".repeat(70_000);
    },
    look(ctx) {
      runs++;
      return ctx.state.balance;
    },
  },
});
const buffered = actor("buffered", {
  kind: "unnamed",
  durability: "write-behind",
  state: () => ({ balance: 0 }),
  actions: {
    deposit(ctx, amount: number) {
      runs++;
      ctx.state.balance += amount;
      return { balance: ctx.state.balance };
    },
  },
});
const actors = [account, buffered];
const key = (idempotencyKey: string) => ({ idempotencyKey });

async function started(options: Parameters<typeof startSystem>[1] = {}) {
  runs = 0;
  return await startSystem(actors, options);
}

describe("a repeated key", () => {
  test("is answered with the reply of the first time, and no code runs", async () => {
    const { system } = await started();
    const ref = system.actor(account, "a");
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 5 });
    await ref.deposit(1);
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 5 });
    expect([runs, await ref.get()]).toEqual([2, { balance: 6 }]);
  });

  test("is joined while the first is in flight", async () => {
    const { system, store } = await started();
    const ref = system.actor(account, "a");
    await ref.deposit(1);
    const hold = store.hold("commit");
    const calls = Array.from({ length: 20 }, () => ref.deposit(5, key("k")));
    await settled();
    hold.release();
    expect(new Set((await Promise.all(calls)).map(({ balance }) => balance))).toEqual(new Set([6]));
    expect([runs, await ref.get()]).toEqual([2, { balance: 6 }]);
  });

  test("is joined when both are the first calls of the actor", async () => {
    const { system } = await started();
    const ref = system.actor(account, "new");
    const replies = await Promise.all([ref.deposit(5, key("k")), ref.deposit(5, key("k"))]);
    expect([replies, runs]).toEqual([[{ balance: 5 }, { balance: 5 }], 1]);
  });

  test("is remembered over a kill and a restart", async () => {
    const life = await started();
    await life.system.actor(account, "a").deposit(5, key("k"));
    const next = await crashAndRestart(life, actors);
    expect(await next.system.actor(account, "a").deposit(5, key("k"))).toEqual({ balance: 5 });
    expect(runs).toBe(1);
  });

  test("is remembered over a deactivation, also when there was nothing to reply", async () => {
    const { system, clock } = await started();
    expect(await system.actor(account, "a").silent(5, key("k"))).toBeUndefined();
    await clock.advance(30_000);
    expect(await system.actor(account, "a").silent(5, key("k"))).toBeUndefined();
    expect([runs, await system.actor(account, "a").get()]).toEqual([1, { balance: 5 }]);
  });

  test("belongs to its actor: another one has not seen it", async () => {
    const { system } = await started();
    await system.actor(account, "a").deposit(5, key("k"));
    expect(await system.actor(account, "b").deposit(7, key("k"))).toEqual({ balance: 7 });
  });

  test("is remembered for a call that changed nothing", async () => {
    const { system } = await started();
    const ref = system.actor(account, "a");
    expect(await ref.look(undefined, key("k"))).toBe(0);
    await ref.deposit(3);
    expect(await ref.look(undefined, key("k"))).toBe(0);
  });

  test("answers at once what a write-behind actor acknowledged and has not stored yet", async () => {
    const life = await started();
    const ref = life.system.actor(buffered, "a");
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 5 });
    const { signal } = new AbortController();
    expect(await ref.deposit(5, { ...key("k"), signal })).toEqual({ balance: 5 });
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await life.clock.advance(2_100);
    const next = await crashAndRestart(life, actors);
    expect(await next.system.actor(buffered, "a").deposit(5, key("k"))).toEqual({ balance: 5 });
    expect(runs).toBe(1);
  });
});

describe("a key that comes with another request", () => {
  test.each<[string, (ref: ReturnType<typeof refOf>) => Promise<unknown>]>([
    ["payload", (ref) => ref.deposit(6, key("k"))],
    ["action", (ref) => ref.silent(5, key("k"))],
  ])("with another %s is a conflict, and nothing is applied", async (_what, repeat) => {
    const { system } = await started();
    const ref = refOf(system);
    await ref.deposit(5, key("k"));
    const error = await errorOf(repeat(ref));
    expect(error).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", applied: "no" });
    expect(error.message).toContain('"k"');
    expect([runs, await ref.get()]).toEqual([1, { balance: 5 }]);
  });
});

function refOf(system: Awaited<ReturnType<typeof started>>["system"]) {
  return system.actor(account, "a");
}

describe("after a failure", () => {
  test("of the action, the key is free: the repeated call runs", async () => {
    const { system } = await started();
    const ref = system.actor(account, "a");
    expect(await failureOf(ref.failing(undefined, key("k")))).toBe("ACTION_FAILED no");
    await ref.deposit(2);
    expect(await ref.failing(undefined, key("k"))).toBe(1);
    expect(await ref.failing(undefined, key("k"))).toBe(1);
    expect(runs).toBe(3);
  });

  test("of the commit, the key is free: the repeated call runs", async () => {
    const { system, store } = await started();
    const ref = system.actor(account, "a");
    await ref.deposit(1);
    store.fail("commit", { kind: "capacity" });
    expect(await failureOf(ref.deposit(5, key("k")))).toBe("STATESTORE_UNAVAILABLE no");
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 6 });
  });

  test("an answer that was lost does not make it apply twice", async () => {
    const { system, store, clock } = await started();
    const ref = system.actor(account, "a");
    await ref.deposit(1);
    store.fail("commit", { isApplied: true });
    const call = ref.deposit(5, key("k"));
    await settled();
    await clock.advance(1_000);
    expect(await call).toEqual({ balance: 6 });
    expect([await ref.deposit(5, key("k")), await ref.get()]).toEqual([
      { balance: 6 },
      { balance: 6 },
    ]);
  });

  test("a crash after the commit and before the answer does not make it apply twice", async () => {
    const life = await started();
    await life.system.actor(account, "a").deposit(1);
    life.store.hold("commit", { isApplied: true });
    const lost = failureOf(life.system.actor(account, "a").deposit(5, key("k")));
    await settled();
    const next = await crashAndRestart(life, actors);
    expect(await lost).toBe("UNKNOWN_OUTCOME unknown");
    expect(await next.system.actor(account, "a").deposit(5, key("k"))).toEqual({ balance: 6 });
    expect(await next.system.actor(account, "a").get()).toEqual({ balance: 6 });
  });

  test("a key that cannot be looked up leaves the outcome unknown", async () => {
    const { system, store, clock } = await started();
    const ref = system.actor(account, "a");
    await ref.deposit(1);
    store.fail("load", { times: Infinity });
    const call = failureOf(ref.deposit(5, key("k")));
    await clock.advance(10_000);
    expect(await call).toBe("STATESTORE_UNAVAILABLE unknown");
    store.heal();
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 6 });
  });
});

type Refusable = (options: { readonly idempotencyKey?: string }) => Promise<unknown>;

/** A first call of the actor that is applied, and whose caller will not learn it. */
async function withLostOutcome() {
  const life = await started({ limits: { ambiguityMaxMs: 100 } });
  life.store.fail("commit", { kind: "ambiguous", isApplied: true, times: Infinity });
  const first = failureOf(life.system.actor(account, "a").deposit(5, key("k")));
  await settled();
  return { ...life, ref: life.system.actor(account, "a"), first };
}

describe("after an outcome that could not be learnt", () => {
  test("a repeated call that is not let in does not say that nothing was applied", async () => {
    const { system, clock, ref, first } = await withLostOutcome();
    await clock.advance(2_000);
    expect(await first).toBe("UNKNOWN_OUTCOME unknown");
    const signal = AbortSignal.abort();
    expect(await failureOf(ref.deposit(5, { ...key("k"), signal }))).toBe("CANCELLED unknown");
    expect(await failureOf(ref.deposit(5, { signal }))).toBe("CANCELLED no");
    const stopping = system.stop();
    expect(await failureOf(ref.deposit(5, key("k")))).toBe("SHUTTING_DOWN unknown");
    expect(await failureOf(ref.deposit(5))).toBe("SHUTTING_DOWN no");
    await clock.advance(1_000);
    await stopping;
  });

  test.each<[string, (life: Awaited<ReturnType<typeof withLostOutcome>>) => Refusable, string]>([
    [
      "no time",
      ({ ref }) =>
        (options) =>
          ref.deposit(5, { deadlineMs: 0, ...options }),
      "INVALID_ARGUMENT",
    ],
    [
      "an option that is none",
      ({ ref }) =>
        (options) =>
          ref.deposit(5, { retries: 3, ...options } as object),
      "INVALID_ARGUMENT",
    ],
    [
      "metadata that is none",
      ({ ref }) =>
        (options) =>
          ref.deposit(5, { metadata: { a: 1 }, ...options } as object),
      "INVALID_ARGUMENT",
    ],
    [
      "an action that is gone",
      ({ system }) =>
        (options) =>
          system.invoke("a", { definition: "account", action: "gone", ...options }),
      "ACTION_NOT_FOUND",
    ],
    [
      "a definition that is gone",
      ({ system }) =>
        (options) =>
          system.invoke("a", { definition: "gone", action: "deposit", ...options }),
      "ACTOR_NOT_FOUND",
    ],
  ])("a repeated call that has %s does not say so either", async (_what, callOf, code) => {
    const life = await withLostOutcome();
    await life.clock.advance(2_000);
    expect(await life.first).toBe("UNKNOWN_OUTCOME unknown");
    const call = callOf(life);
    expect(await failureOf(call(key("k")))).toBe(`${code} unknown`);
    expect(await failureOf(call({}))).toBe(`${code} no`);
  });

  test("a call that stood aside for the first looks the key up, and says no more than it knows", async () => {
    const { store, clock, ref, first } = await withLostOutcome();
    const second = failureOf(ref.deposit(5, { ...key("k"), deadlineMs: 3_000 }));
    const third = ref.deposit(5, key("k"));
    await settled();
    const loads = store.hold("load");
    await clock.advance(4_000);
    expect([await first, await second]).toEqual([
      "UNKNOWN_OUTCOME unknown",
      "DEADLINE_EXCEEDED unknown",
    ]);
    loads.release();
    store.heal();
    await clock.advance(1_000);
    expect([await third, await ref.get(), runs]).toEqual([{ balance: 5 }, { balance: 5 }, 1]);
  });
});

describe("a stored reply", () => {
  test("that is too large is not kept, and the repeated call says that it was applied", async () => {
    const { system } = await started();
    const ref = system.actor(account, "a");
    expect(await ref.long(undefined, key("k"))).toHaveLength(70_000);
    expect(await failureOf(ref.long(undefined, key("k")))).toBe("PAYLOAD_TOO_LARGE yes");
    expect(runs).toBe(1);
  });

  test("is kept for as long as the limit says, and then forgotten", async () => {
    const { system, clock } = await started({ limits: { idempotencyRetentionMs: 100_000 } });
    const ref = system.actor(account, "a");
    await ref.deposit(5, key("k"));
    await clock.advance(90_000);
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 5 });
    await clock.advance(100_000);
    expect(await ref.deposit(5, key("k"))).toEqual({ balance: 10 });
  });

  test("is forgotten as fast as replies come in", async () => {
    const { system, clock, inner } = await started({ limits: { idempotencyRetentionMs: 1_000 } });
    const names = Array.from({ length: 3_500 }, (_, index) => `n-${index}`);
    await Promise.all(names.map((name) => system.actor(account, name).deposit(1, key("k"))));
    await clock.advance(62_000);
    const answers = await inner.load(
      names.map((name) => ({
        actor: { system: "test", definition: "account", name },
        row: false,
        keys: ["k"],
        messages: [],
      })),
    );
    expect(answers.flatMap(({ replies }) => replies)).toEqual([]);
  });

  test("goes with its actor when that is deleted", async () => {
    const { system } = await started();
    await system.actor(account, "a").deposit(5, key("k"));
    await system.stored(account, "a").delete();
    expect(await system.actor(account, "a").deposit(5, key("k"))).toEqual({ balance: 5 });
    expect(runs).toBe(2);
  });
});

test("a payload is the same in whatever order its fields come", async () => {
  const box = actor("box", {
    state: () => ({ puts: 0 }),
    actions: {
      put: (ctx, _what: { a: number; b: { c: number; d: number } }) => ++ctx.state.puts,
    },
  });
  const { system } = await startSystem([box]);
  expect(await system.actor(box).put({ a: 1, b: { c: 2, d: 3 } }, key("k"))).toBe(1);
  expect(await system.actor(box).put({ b: { d: 3, c: 2 }, a: 1 }, key("k"))).toBe(1);
  const other = system.actor(box).put({ a: 1, b: { c: 3, d: 2 } }, key("k"));
  expect(await failureOf(other)).toBe("IDEMPOTENCY_CONFLICT no");
});

describe("calls that a keyed action makes", () => {
  let failures = 0;
  const caller = actor("caller", {
    kind: "unnamed",
    state: () => ({ done: 0 }),
    actions: {
      async twice(ctx, amount: number) {
        const first = await ctx.actor(account, "target").deposit(amount);
        const second = await ctx.actor(account, "target").deposit(amount);
        ctx.state.done++;
        if (failures-- > 0) throw new Error("after the calls");
        return [first.balance, second.balance];
      },
    },
  });

  test("are made once, though the action runs again", async () => {
    runs = 0;
    failures = 1;
    const { system } = await startSystem([account, caller]);
    const twice = () => system.actor(caller, "c").twice(5, key("k"));
    expect(await failureOf(twice())).toBe("ACTION_FAILED no");
    expect(await twice()).toEqual([5, 10]);
    expect(await system.actor(account, "target").get()).toEqual({ balance: 10 });
    expect(runs).toBe(2);
  });

  test("of two actors with the same key have nothing to do with one another", async () => {
    const { system } = await startSystem([account, caller]);
    expect(await system.actor(caller, "a").twice(1, key("k"))).toEqual([1, 2]);
    expect(await system.actor(caller, "b").twice(1, key("k"))).toEqual([3, 4]);
  });
});

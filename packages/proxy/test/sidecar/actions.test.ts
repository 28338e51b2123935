/** Actions beside a sidecar cannot tell where they run: the same rules, the same errors. */
import { setTimeout as sleep } from "node:timers/promises";
import { actor, fail, input, read, reply, settle } from "spawn-mesh";
import type { ActorSystem, SendOptions } from "spawn-mesh";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import type { TestProxy } from "../fixtures/start-proxy.ts";
import { until } from "../fixtures/until.ts";
import { connectTo, errorOf, failureOf, startBeside } from "./start-sidecar.ts";

const incrementor = actor("incrementor", {
  state: () => ({ total: 0 }),
  deactivateTimeoutMs: 30_000,
  snapshotTimeoutMs: 10_000,
  actions: {
    add(ctx, { value }: { value: number }) {
      ctx.state.total += value;
      return { total: ctx.state.total };
    },
  },
});

const heard: unknown[] = [];
const aborted: unknown[] = [];

const account = actor("account", {
  kind: "unnamed",
  state: () => ({ balance: 0, log: [] as string[] }),
  channels: [{ channel: "interest", action: "earn" }],
  actions: {
    deposit: input(z.object({ amount: z.number().positive() }), (ctx, { amount }) => {
      ctx.state.balance += amount;
      return ctx.state.balance;
    }),
    withdraw(ctx, { amount }: { amount: number }) {
      ctx.state.balance -= amount;
      if (ctx.state.balance < 0) return fail("overdrawn", { missing: -ctx.state.balance });
      return ctx.state.balance;
    },
    broken(ctx) {
      ctx.state.balance = 1_000_000;
      throw new Error("out of ink");
    },
    balance: read((ctx) => ctx.state.balance),
    lyingRead: read((ctx) => {
      (ctx.state as { balance: number }).balance = 7;
    }),
    dated: () => ({ at: new Date() }) as never,
    describe(ctx) {
      const { self, caller, metadata, tags, revision } = ctx;
      return { self, caller: caller ?? null, metadata, tags, revision };
    },
    label(ctx, tags: Record<string, string>) {
      ctx.tags = tags;
    },
    async transfer(ctx, { to, amount }: { to: string; amount: number }): Promise<number> {
      ctx.state.balance -= amount;
      return await ctx.actor(account, to).deposit({ amount });
    },
    transferLater(ctx, { to, amount }: { to: string; amount: number }): number {
      ctx.state.balance -= amount;
      ctx.effect(account, to).deposit({ amount });
      return ctx.state.balance;
    },
    async ask(ctx, other: string): Promise<unknown> {
      return await ctx.invoke(other, { definition: "account", action: "describe" });
    },
    async askMyself(ctx): Promise<number> {
      return await ctx.actor(account, ctx.self.name).balance();
    },
    piped(ctx) {
      ctx.pipe(incrementor, "add");
      return { value: ctx.state.balance };
    },
    forwarded: (_ctx, _payload: { value: number }) => reply().forward(incrementor, "add"),
    tell: (ctx, rate: number) => void ctx.broadcast("interest", { rate }),
    earn(ctx, { rate }: { rate: number }) {
      ctx.state.balance *= 1 + rate;
      heard.push([ctx.self.name, rate]);
    },
    later(ctx, delayMs: number): void {
      ctx.effect(account, ctx.self.name).deposit({ amount: 1 }, { delayMs });
    },
    async slow(ctx, ms: number) {
      const end = new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
      void end.then(() => aborted.push(ctx.signal.reason));
      await Promise.race([end, sleep(ms, undefined, { ref: false })]);
      ctx.state.balance += 1;
    },
    remember(ctx) {
      leaked = ctx;
    },
    remind(ctx, options: SendOptions): string {
      return ctx.effect(account, ctx.self.name).deposit({ amount: 1 }, options);
    },
    forget: (ctx, id: string) => ctx.cancel(id),
    close(ctx) {
      ctx.delete();
      return ctx.state.balance;
    },
    twice(ctx) {
      ctx.broadcast("interest", { rate: 0.5 });
      ctx.broadcast("interest", { rate: 1 });
    },
  },
});

let leaked: unknown;

const greeter = actor("greeter", {
  state: () => ({ greetings: 0, lives: 0 }),
  deactivateTimeoutMs: 50,
  init(ctx) {
    ctx.state.lives += 1;
  },
  actions: {
    greet(ctx) {
      ctx.state.greetings += 1;
      return { ...ctx.state };
    },
  },
});

let atWork = 0;
const allAtWork = Promise.withResolvers<void>();

const workers = actor("workers", {
  kind: "pooled",
  pool: { max: 3 },
  actions: {
    async work() {
      if (++atWork === 3) allAtWork.resolve();
      await allAtWork.promise;
    },
  },
});

const ticker = actor("ticker", {
  state: () => ({ ticks: 0 }),
  timers: [{ action: "tick", everyMs: 30 }],
  actions: { tick: (ctx) => void ctx.state.ticks++ },
});

const tides = actor("tides", {
  durability: "write-behind",
  snapshotTimeoutMs: 60_000,
  revisionsKept: 2,
  state: () => ({ level: 0, turns: [] as string[] }),
  timers: [{ action: "turn", cron: "* * * * * *", payload: "high" }],
  actions: {
    turn: (ctx, tide: string) => void ctx.state.turns.push(tide),
    rise(ctx) {
      ctx.state.level++;
      return ctx.revision;
    },
  },
});

let proxy: TestProxy;
let system: ActorSystem;

beforeAll(async () => {
  proxy = await startTestProxy();
  system = await startBeside(proxy, [incrementor, account, greeter, workers, ticker, tides]);
});
afterAll(async () => {
  await system.stop();
  await proxy.stop();
});

describe("an action beside a sidecar", () => {
  test("is called by a typed reference and by name, as the article has it", async () => {
    expect(await system.actor(incrementor).add({ value: 1 })).toEqual({ total: 1 });
    await using spawn = connectTo(proxy);
    const answer = await spawn.invoke("incrementor", {
      action: "add",
      system: "spawn-system",
      payload: { value: 5 },
    });
    expect(answer).toEqual({ total: 6 });
    expect(await system.actor(incrementor).get()).toEqual({ total: 6 });
  });

  test("has an instance for each name, each with a first state of its own", async () => {
    expect(await system.actor(account, "ann").get()).toEqual({ balance: 0, log: [] });
    expect(await system.actor(account, "ann").deposit({ amount: 3 })).toBe(3);
    expect(await system.actor(account, "bob").deposit({ amount: 4 })).toBe(4);
    expect(await system.actor(account, "ann").balance()).toBe(3);
  });

  test("has its payload checked by the schema", async () => {
    const error = await errorOf(system.actor(account, "carl").deposit({ amount: -1 }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain("spawn-system/account/carl deposit: payload.amount");
    expect(await system.actor(account, "carl").get()).toEqual({ balance: 0, log: [] });
  });

  test("is named when a payload or option for it is wrong, also before anything is sent", async () => {
    const dated = errorOf(system.actor(account, "carl").label({ at: new Date() as never }));
    expect((await dated).message).toContain("spawn-system/account/carl label: payload.at: got an");
    const late = errorOf(system.actor(account, "carl").deposit({ amount: 1 }, { deadlineMs: -1 }));
    expect((await late).message).toMatch(
      /^\[INVALID_ARGUMENT\] spawn-system\/account\/carl deposit: /,
    );
  });

  test("fails with the failure that it returns, typed, and changes nothing", async () => {
    const dora = system.actor(account, "dora");
    await dora.deposit({ amount: 10 });
    const settled = await settle(dora.withdraw({ amount: 25 }));
    expect(settled).toMatchObject({
      ok: false,
      failure: { code: "overdrawn", data: { missing: 15 } },
      error: { code: "ACTION_FAILED", applied: "no" },
    });
    expect(await dora.balance()).toBe(10);
  });

  test("changes nothing when it throws", async () => {
    const eve = system.actor(account, "eve");
    const error = await errorOf(eve.broken());
    expect(error).toMatchObject({ code: "ACTION_FAILED", applied: "no" });
    expect(error.message).toBe("[ACTION_FAILED] spawn-system/account/eve broken: out of ink");
    expect(await eve.balance()).toBe(0);
  });

  test("may not change the state in a read, nor answer what is no JSON", async () => {
    expect(await failureOf(system.actor(account, "fay").lyingRead())).toBe("ACTION_FAILED no");
    expect(await failureOf(system.actor(account, "fay").dated())).toBe("INVALID_ARGUMENT no");
    expect(await system.actor(account, "fay").balance()).toBe(0);
  });

  test("knows itself, its caller, metadata, tags and revision", async () => {
    const gus = system.actor(account, "gus");
    await gus.deposit({ amount: 1 });
    await gus.label({ tier: "gold" });
    const options = { metadata: { trace: "t1" }, idempotencyKey: "k1", deadlineMs: 5_000 };
    expect(await gus.describe(undefined, options)).toMatchObject({
      self: { system: "spawn-system", definition: "account", name: "gus" },
      caller: null,
      metadata: { trace: "t1" },
      tags: { tier: "gold" },
      revision: 2,
    });
    expect(await system.actor(account, "hal").ask("gus")).toMatchObject({
      self: { name: "gus" },
      caller: { system: "spawn-system", definition: "account", name: "hal" },
    });
  });

  test("calls other actors, and is refused at once when it calls who waits for it", async () => {
    const ida = system.actor(account, "ida");
    await ida.deposit({ amount: 10 });
    expect(await ida.transfer({ to: "joe", amount: 4 })).toBe(4);
    expect(await ida.balance()).toBe(6);
    const startedAt = performance.now();
    const error = await errorOf(ida.askMyself());
    expect(error.message).toContain("[CYCLE]");
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test("calls through the system as through its context", async () => {
    const outer = actor("outer", {
      state: () => ({ n: 0 }),
      actions: {
        async loop(_ctx): Promise<unknown> {
          return await own.actor(outer).loop();
        },
      },
    });
    await using own = await startBeside(proxy, [outer], { name: "loops" });
    expect((await errorOf(own.actor(outer).loop())).message).toContain("[CYCLE]");
  });

  test("sends effects with its change, at once and later", async () => {
    const kim = system.actor(account, "kim");
    await kim.deposit({ amount: 10 });
    await kim.transferLater({ to: "leo", amount: 3 });
    await until(async () => (await system.actor(account, "leo").balance()) === 3);
    await kim.later(50);
    expect(await kim.balance()).toBe(7);
    await until(async () => (await kim.balance()) === 8);
  });

  test("lets another actor answer, with its reply or with its payload", async () => {
    const before = await system.actor(incrementor).get();
    const max = system.actor(account, "max");
    await max.deposit({ amount: 2 });
    expect(await max.piped()).toEqual({ total: before.total + 2 });
    expect(await max.forwarded({ value: 3 })).toEqual({ total: before.total + 5 });
  });

  test("broadcasts to those who listen", async () => {
    const nan = system.actor(account, "nan");
    await nan.deposit({ amount: 100 });
    await nan.tell(0.5);
    await until(async () => (await nan.balance()) === 150);
    expect(heard).toContainEqual(["nan", 0.5]);
  });

  test("brings an actor to life with init, each time", async () => {
    const ref = system.actor(greeter);
    expect(await ref.greet()).toEqual({ greetings: 1, lives: 1 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await ref.greet()).toEqual({ greetings: 2, lives: 2 });
  });

  test("runs several at once in a pool", async () => {
    const pool = system.actor(workers);
    await Promise.all([pool.work(), pool.work(), pool.work()]);
    expect(atWork).toBe(3);
  });

  test("runs again and again by its timers", async () => {
    await until(async () => (await system.actor(ticker).get()).ticks >= 3);
  });

  test("is kept as its definition says, in what the protocol has no words for too", async () => {
    const ref = system.actor(tides);
    for (let n = 0; n < 20; n++) await ref.rise();
    // A durable actor has a commit for each; this one has those of its timer.
    expect(await ref.rise()).toBeLessThan(10);
    await until(async () => (await ref.get()).turns.includes("high"));
  });

  test("is told that nobody waits any more when its deadline passes", async () => {
    const ove = system.actor(account, "ove");
    expect(await failureOf(ove.slow(60_000, { deadlineMs: 100 }))).toBe("DEADLINE_EXCEEDED no");
    await until(() => aborted.length > 0);
    expect(await ove.balance()).toBe(0);
  });

  test("has as much time as any call may be given", async () => {
    const deadlineMs = 2 ** 31 - 1;
    await system.actor(account, "ora").slow(100, { deadlineMs });
    expect(await system.actor(account, "ora").balance()).toBe(1);
  });

  test("is applied once however often it is called with one key", async () => {
    const pia = system.actor(account, "pia");
    const options = { idempotencyKey: "deposit-1" };
    expect(await pia.deposit({ amount: 5 }, options)).toBe(5);
    expect(await pia.deposit({ amount: 5 }, options)).toBe(5);
    expect(await failureOf(pia.deposit({ amount: 6 }, options))).toMatch(/^IDEMPOTENCY_CONFLICT/);
  });

  test("cannot use its context when it is over", async () => {
    await system.actor(account, "quy").remember();
    const context = leaked as { state: unknown };
    expect(() => context.state).toThrowError(/\[CANCELLED\]/);
  });

  test("is called asynchronously, in order", async () => {
    const ray = system.actor(account, "ray");
    expect(await ray.deposit({ amount: 1 }, { async: true })).toBeUndefined();
    expect(await ray.balance()).toBe(1);
  });

  test("is refused, by name, what only the keeper of the actors can do", () => {
    expect(() => system.messages).toThrowError(/system\.messages cannot be had/);
    expect(() => system.stored(incrementor)).toThrowError(/system\.stored cannot be had/);
  });

  test("is sent messages from outside, at once and later", async () => {
    const tim = system.effect(account, "tim");
    expect(await tim.deposit({ amount: 1 })).toMatch(/^[0-9a-f]{32}$/);
    expect(await tim.deposit({ amount: 2 }, { delayMs: 50, id: "later" })).toMatch(/^later/);
    await until(async () => (await system.actor(account, "tim").balance()) === 3);
    await system.actor(account, "tim").deposit({ amount: 4 }, { delayMs: 20 });
    await until(async () => (await system.actor(account, "tim").balance()) === 7);
    const refused = tim.deposit({ amount: 1 }, { cron: "at noon" });
    expect(await failureOf(refused)).toBe("INVALID_ARGUMENT no");
  });

  test("sends messages under ids, again and again, and cancels them", async () => {
    const una = system.actor(account, "una");
    const id = await una.remind({ id: "tick", everyMs: 20 });
    expect(id).toMatch(/^tick/);
    await until(async () => (await una.balance()) >= 3);
    await una.forget("tick");
    await una.remind({ id: "cron", cron: "* * * * * *" });
    const ticked = await una.balance();
    await until(async () => (await una.balance()) > ticked);
    await una.forget("cron");
    const before = await una.balance();
    await una.remind({ id: "once", delayMs: 100 });
    await una.forget(await una.remind({ id: "never", delayMs: 100 }));
    await until(async () => (await una.balance()) > before);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await una.balance()).toBe(before + 1);
  });

  test("deletes itself, answers all the same, and begins anew", async () => {
    const wim = system.actor(account, "wim");
    await wim.deposit({ amount: 3 });
    const answers = [wim.close(undefined, { idempotencyKey: "once" }), wim.balance()];
    expect(await Promise.all(answers)).toEqual([3, 0]);
    await wim.deposit({ amount: 5 });
    expect(await wim.close(undefined, { idempotencyKey: "once" })).toBe(3);
    expect(await wim.balance()).toBe(5);
  });

  test("broadcasts as often as it likes, and may have no tags left", async () => {
    const vic = system.actor(account, "vic");
    await vic.deposit({ amount: 2 });
    await vic.label({ tier: "gold" });
    await vic.label({});
    expect(await vic.describe()).toMatchObject({ tags: {} });
    await vic.twice();
    await until(async () => (await vic.balance()) === 6);
  });
});

describe("a call through a sidecar", () => {
  test("says who is not there, and what cannot be done", async () => {
    await using spawn = connectTo(proxy, { system: "spawn-system" });
    expect(await failureOf(spawn.invoke("nobody", { action: "add" }))).toBe("ACTOR_NOT_FOUND no");
    expect(await failureOf(spawn.invoke("incrementor", { action: "nope" }))).toBe(
      "ACTION_NOT_FOUND no",
    );
    expect(await failureOf(spawn.actor(account, "ann").deposit({ amount: 0 }))).toBe(
      "INVALID_ARGUMENT no",
    );
  });

  test("says that it never began when there is no sidecar", async () => {
    await using spawn = connectTo({ address: { host: "127.0.0.1", port: 9 } }, { system: "s" });
    expect(await failureOf(spawn.invoke("a", { action: "b" }))).toBe("NODE_UNAVAILABLE no");
    const keyed = spawn.invoke("a", { action: "b", idempotencyKey: "k" });
    expect(await failureOf(keyed)).toBe("NODE_UNAVAILABLE unknown");
  });

  test("does not know what became of an earlier one with its key when nobody is there any more", async () => {
    await using spawn = connectTo(proxy, { system: "spawn-system" });
    const keyed = { action: "nope", idempotencyKey: "k" };
    expect(await failureOf(spawn.invoke("nobody", keyed))).toBe("ACTOR_NOT_FOUND unknown");
    expect(await failureOf(spawn.invoke("incrementor", keyed))).toBe("ACTION_NOT_FOUND unknown");
    const metadata = { "request-timeout": "1" };
    const wrong = spawn.invoke("incrementor", { ...keyed, metadata });
    expect(await failureOf(wrong)).toBe("INVALID_ARGUMENT unknown");
    const elsewhere = { ...keyed, system: "nowhere" };
    expect(await failureOf(spawn.invoke("nobody", elsewhere))).toBe("ACTOR_NOT_FOUND unknown");
  });

  test("needs a system", async () => {
    await using spawn = connectTo(proxy);
    const error = await errorOf(spawn.invoke("incrementor", { action: "get" }));
    expect(error.message).toContain("expected the name of a system");
  });
});

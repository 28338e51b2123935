import { expectTypeOf, test } from "vitest";
import { actor, actorSystem, fail, input, read, settle, state } from "spawn-mesh";
import type { NotJson } from "spawn-mesh";
import { z } from "zod";

const incrementor = actor("incrementor", {
  state: () => ({ total: 0 }),
  deactivateTimeoutMs: 30_000,
  snapshotTimeoutMs: 10_000,
  actions: {
    add(ctx, { value }: { value: number }) {
      ctx.state.total += value;
      return { total: ctx.state.total };
    },
    async addLater(ctx, { value }: { value: number }) {
      await Promise.resolve();
      ctx.state.total += value;
      return { total: ctx.state.total };
    },
    reset(ctx) {
      ctx.state.total = 0;
    },
    peek: read((ctx) => ctx.state.total),
    scaled: read((ctx, by: number) => ctx.state.total * by),
    put: input(z.object({ value: z.number() }), (ctx, { value }) => {
      ctx.state.total = value;
      return value;
    }),
    shout: input(
      z.string().transform((text) => text.length),
      (ctx, length) => ctx.state.total + length,
    ),
    maybe(ctx, payload?: { by: number }) {
      return ctx.state.total + (payload?.by ?? 0);
    },
  },
});

const user = actor("user", {
  kind: "unnamed",
  state: state(z.object({ items: z.array(z.string()) }), () => ({ items: [] })).next(
    z.object({ items: z.array(z.string()), status: z.enum(["open", "closed"]) }),
    (before) => ({ items: before.items, status: "open" as const }),
  ),
  actions: {
    add(ctx, item: string) {
      if (ctx.state.status === "closed") return fail("closed", { status: ctx.state.status });
      if (item === "") return fail("empty");
      ctx.state.items.push(item);
      return ctx.state.items.length;
    },
    async total(ctx) {
      const { total } = await ctx.actor(incrementor).add({ value: 1 });
      return total;
    },
  },
});

const echo = actor("echo", { actions: { say: (_ctx, text: string) => text } });

const resize = actor("resize", {
  kind: "pooled",
  pool: { max: 8 },
  init: (ctx) => expectTypeOf(ctx.now).toEqualTypeOf<number>(),
  actions: {
    async run(ctx, { width }: { width: number }) {
      await ctx.actor(echo).say(ctx.self.name);
      return { width };
    },
  },
});

const system = actorSystem("types", { actors: [incrementor, user, echo, resize] });

test("references are inferred end to end", () => {
  const counter = system.actor(incrementor);
  expectTypeOf(counter.add({ value: 1 })).resolves.toEqualTypeOf<{ total: number }>();
  expectTypeOf(counter.addLater({ value: 1 })).resolves.toEqualTypeOf<{ total: number }>();
  expectTypeOf(counter.reset()).resolves.toEqualTypeOf<void>();
  expectTypeOf(counter.peek()).resolves.toEqualTypeOf<number>();
  expectTypeOf(counter.scaled(2)).resolves.toEqualTypeOf<number>();
  expectTypeOf(counter.put({ value: 2 })).resolves.toEqualTypeOf<number>();
  expectTypeOf(counter.shout("x")).resolves.toEqualTypeOf<number>();
  expectTypeOf(counter.maybe()).resolves.toEqualTypeOf<number>();
  expectTypeOf(counter.get(undefined, { deadlineMs: 5 })).resolves.toEqualTypeOf<{
    total: number;
  }>();
  expectTypeOf(system.actor(user, "user-42").total()).resolves.toEqualTypeOf<number>();
  expectTypeOf(system.actor(echo).say("hi")).resolves.toEqualTypeOf<string>();
  expectTypeOf(system.actor(resize).run({ width: 1 })).resolves.toEqualTypeOf<{ width: number }>();
});

test("failures are typed on the client side and leave the reply", async () => {
  const call = system.actor(user, "u").add("x");
  expectTypeOf(call).resolves.toEqualTypeOf<number>();
  const settled = await settle(call);
  if (settled.ok) expectTypeOf(settled.value).toEqualTypeOf<number>();
  else if (settled.failure?.code === "closed")
    expectTypeOf(settled.failure.data).toEqualTypeOf<{ status: "closed" }>();
  else expectTypeOf(settled.failure?.code).toEqualTypeOf<"empty" | undefined>();
  // The failure alone tells too.
  if (settled.failure) expectTypeOf(settled.ok).toEqualTypeOf<false>();
  expectTypeOf(settled.value).toEqualTypeOf<number | undefined>();
});

test("failures that nothing is known of have a code and data all the same", async () => {
  const byName = await settle(system.invoke("incrementor", { action: "add" }));
  expectTypeOf(byName.failure?.code).toEqualTypeOf<string | undefined>();
  expectTypeOf(byName.failure?.data).toEqualTypeOf<unknown>();
  const anyCall = await settle(system.actor(incrementor).add({ value: 1 }) as Promise<unknown>);
  expectTypeOf(anyCall.failure?.code).toEqualTypeOf<string | undefined>();
  const cannotFail = await settle(system.actor(incrementor).get());
  expectTypeOf(cannotFail.failure).toEqualTypeOf<undefined>();
});

test("what must not compile does not", () => {
  const counter = system.actor(incrementor);
  // @ts-expect-error wrong type of a field
  void counter.add({ value: "1" });
  // @ts-expect-error missing payload
  void counter.add();
  // @ts-expect-error unknown action
  void counter.nope();
  // @ts-expect-error unknown option
  void counter.add({ value: 1 }, { deadline: 1 });
  // @ts-expect-error an unnamed actor needs a name
  void system.actor(user);
  // @ts-expect-error a named actor has none
  void system.actor(incrementor, "x");
  // @ts-expect-error a pooled actor has none
  void system.actor(resize, "x");
  // @ts-expect-error a pooled actor has no state
  actor("kept", { kind: "pooled", state: () => ({ n: 0 }), actions: {} });
  // @ts-expect-error a pooled actor has no state to be durable
  actor("kept", { kind: "pooled", durability: "durable", actions: {} });
  // @ts-expect-error only a pooled actor has a pool
  actor("alone", { pool: { max: 2 }, actions: {} });
  // @ts-expect-error a pool has a min and a max
  actor("many", { kind: "pooled", pool: { maximum: 2 }, actions: {} });
  // @ts-expect-error a stateless actor has no get
  void system.actor(echo).get();
  // @ts-expect-error wrong schema input
  void counter.put({ value: "x" });
  // @ts-expect-error a Date is not a JSON value
  actor("dated", { state: () => ({ at: new Date() }), actions: {} });
  // @ts-expect-error a Map is not a JSON value
  actor("mapped", { actions: { reply: () => new Map<string, string>() } });
  // @ts-expect-error a bigint is not a JSON value
  actor("big", { actions: { take: (_ctx, big: { amount: bigint }) => big.amount > 1n } });
  // @ts-expect-error a read cannot assign to the state
  actor("reader", { state: () => ({ n: 0 }), actions: { peek: read((ctx) => (ctx.state.n = 1)) } });
  const first = state(z.object({ a: z.number() }), () => ({ a: 1 }));
  // @ts-expect-error a migration has to produce the next version
  first.next(z.object({ a: z.number(), b: z.string() }), (before) => ({ a: before.a }));
});

interface Account {
  readonly owner: string;
  balance: number;
}

test("interfaces are fine as states, payloads and replies", () => {
  const account = actor("account", {
    kind: "unnamed",
    state: (): Account => ({ owner: "", balance: 0 }),
    actions: {
      deposit: (ctx, by: { amount: number }): Account => (
        (ctx.state.balance += by.amount),
        ctx.state
      ),
    },
  });
  expectTypeOf(system.actor(account, "a").deposit({ amount: 1 })).resolves.toEqualTypeOf<Account>();
});

test("actors that call one another need one annotated reply", () => {
  const ping = actor("ping", {
    actions: {
      async hit(ctx, left: number): Promise<number> {
        return left === 0 ? 0 : await ctx.actor(pong).hit(left - 1);
      },
    },
  });
  const pong = actor("pong", {
    actions: { hit: (ctx, left: number): Promise<number> => ctx.actor(ping).hit(left) },
  });
  expectTypeOf(system.actor(pong).hit(1)).resolves.toEqualTypeOf<number>();
});

test("an option that is undefined is one that is not given", () => {
  const idempotencyKey = undefined as string | undefined;
  const call = system.actor(user, "u").add("x", { idempotencyKey, signal: undefined });
  expectTypeOf(call).resolves.toEqualTypeOf<number>();
  actorSystem("other", { actors: [], statestore: undefined, encryption: undefined });
});

test("a payload and a reply that are both no JSON are named both", () => {
  expectTypeOf<NotJson<"payload"> & NotJson<"reply">>().not.toBeNever();
});

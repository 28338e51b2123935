import { DurationSchema, EmptySchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import type { Duration, StringValue } from "@bufbuild/protobuf/wkt";
import { expectTypeOf, test } from "vitest";
import { actor, actorSystem, connect, fail, read, reply, rpc, settle, state } from "spawn-mesh";
import { create } from "@bufbuild/protobuf";

const watch = actor("watch", {
  state: state(DurationSchema, () => ({ seconds: 1n })),
  actions: {
    add: rpc(DurationSchema, DurationSchema, (ctx, { seconds }) => {
      expectTypeOf(ctx.state).toEqualTypeOf<Duration>();
      ctx.state.seconds += seconds;
      if (seconds < 0n) return fail("negative", { seconds: Number(seconds) });
      return { seconds };
    }),
    label: rpc(EmptySchema, StringValueSchema, async (ctx) => {
      await Promise.resolve();
      return create(StringValueSchema, { value: `${ctx.state.seconds}` });
    }),
    peek: read(rpc(EmptySchema, DurationSchema, (ctx) => ctx.state)),
    built: rpc(EmptySchema, StringValueSchema, () => reply({ value: "x" }).tags({ a: "b" })),
    json: (ctx, by: number) => Number(ctx.state.seconds) + by,
  },
});

const user = actor("user", {
  kind: "unnamed",
  state: () => ({ visits: 0 }),
  actions: { visit: (ctx, times: number) => (ctx.state.visits += times) },
});

test("messages are typed from the definition to the caller", async () => {
  const ref = actorSystem("types", { actors: [watch, user] }).actor(watch);
  expectTypeOf(ref.add({ seconds: 2n })).resolves.toEqualTypeOf<Duration>();
  expectTypeOf(ref.add(create(DurationSchema))).resolves.toEqualTypeOf<Duration>();
  expectTypeOf(ref.label({})).resolves.toEqualTypeOf<StringValue>();
  expectTypeOf(ref.peek({})).resolves.toEqualTypeOf<Duration>();
  expectTypeOf(ref.built({})).resolves.toEqualTypeOf<StringValue>();
  expectTypeOf(ref.json(1)).resolves.toEqualTypeOf<number>();
  expectTypeOf(ref.get()).resolves.toEqualTypeOf<Duration>();
  const settled = await settle(ref.add({ seconds: -1n }));
  if (!settled.ok && settled.failure !== undefined) {
    expectTypeOf(settled.failure).toEqualTypeOf<{
      readonly code: "negative";
      readonly data: { seconds: number };
    }>();
  }
  // @ts-expect-error wrong type of a field
  void ref.add({ seconds: 2 });
  // @ts-expect-error another message
  void ref.add(create(StringValueSchema));
  // @ts-expect-error the reply is another message
  rpc(EmptySchema, StringValueSchema, () => ({ value: 1 }));
  // @ts-expect-error a message that is not declared would be taken for JSON
  actor("raw", { actions: { now: () => create(DurationSchema) } });
  // @ts-expect-error the same for a payload
  actor("raw", { actions: { take: (_ctx, given: Duration) => given.nanos } });
  actor("inside", {
    // @ts-expect-error a message inside of JSON is no JSON value
    state: () => ({ at: create(DurationSchema) }),
    actions: {},
  });
});

test("a client has the references of a system, and hosts nothing", async () => {
  const spawn = connect("http://127.0.0.1:9001", { system: "shop" });
  expectTypeOf(spawn.actor(user, "ann").visit(1)).resolves.toEqualTypeOf<number>();
  expectTypeOf(spawn.actor(watch).add({ seconds: 1n })).resolves.toEqualTypeOf<Duration>();
  expectTypeOf(spawn.invoke("user", { action: "visit" })).resolves.toEqualTypeOf<unknown>();
  // @ts-expect-error an unnamed actor needs a name
  void spawn.actor(user);
  // @ts-expect-error wrong payload
  void spawn.actor(user, "ann").visit("1");
  // @ts-expect-error unknown option
  connect("http://127.0.0.1:9001", { namespace: "shop" });
  actorSystem("shop", { actors: [user], sidecar: "unix:/run/spawn.sock" });
  actorSystem("shop", { actors: [user], sidecar: { url: "http://proxy:9001", port: 8090 } });
  // @ts-expect-error a sidecar has an address
  actorSystem("shop", { actors: [user], sidecar: { port: 8090 } });
});

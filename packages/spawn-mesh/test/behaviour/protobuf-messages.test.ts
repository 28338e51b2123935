/** Protobuf messages as state, payload and reply. */
import { create, isMessage } from "@bufbuild/protobuf";
import {
  DurationSchema,
  EmptySchema,
  StringValueSchema,
  anyPack,
  anyUnpack,
} from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { actor, effect, fail, read, reply, rpc, settle, state } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import type { VirtualClock } from "spawn-mesh/testing";
import { describe, expect, test } from "vitest";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";

/** The same actor, for itself: a definition cannot be inferred from its own actions. */
const clock = actor("watch", {
  actions: { add: rpc(DurationSchema, DurationSchema, (_ctx, given) => given) },
});

const watch = actor("watch", {
  state: state(DurationSchema, () => ({ seconds: 1n })),
  actions: {
    add: rpc(DurationSchema, DurationSchema, (ctx, { seconds, nanos }) => {
      ctx.state.seconds += seconds;
      ctx.state.nanos += nanos;
      return ctx.state;
    }),
    async addLater(ctx, payload: { seconds: number }) {
      await Promise.resolve();
      return payload.seconds + Number(ctx.state.seconds);
    },
    label: rpc(EmptySchema, StringValueSchema, async (ctx) => {
      await Promise.resolve();
      return { value: `${ctx.state.seconds} s` };
    }),
    peek: read(rpc(EmptySchema, DurationSchema, (ctx) => ctx.state)),
    check: rpc(DurationSchema, EmptySchema, (_ctx, { seconds }) =>
      seconds < 0n ? fail("negative", { seconds: Number(seconds) }) : {},
    ),
    spoil(ctx) {
      (ctx as { state: unknown }).state = { seconds: 5 };
    },
    doubled: rpc(EmptySchema, DurationSchema, (ctx) =>
      reply(ctx.state).effects(effect(clock).add({ seconds: ctx.state.seconds })),
    ),
    passed: rpc(DurationSchema, DurationSchema, (ctx, given) => {
      ctx.pipe(other, "echo");
      return given;
    }),
  },
});

const other = actor("other", {
  state: () => ({ heard: [] as string[] }),
  channels: [{ channel: "times", action: "echo" }],
  actions: {
    echo: rpc(DurationSchema, DurationSchema, (ctx, { seconds }) => {
      ctx.state.heard.push(`${seconds}`);
      return { seconds: seconds * 10n };
    }),
    async ask(ctx, seconds: number): Promise<string> {
      const { seconds: now } = await ctx.actor(watch).add({ seconds: BigInt(seconds) });
      return `${now}`;
    },
    tell(ctx, seconds: number) {
      const payload = anyPack(DurationSchema, create(DurationSchema, { seconds: BigInt(seconds) }));
      ctx.broadcast("times", payload);
    },
  },
});

/** Lets everything happen that was begun. */
async function pass(time: VirtualClock): Promise<void> {
  for (let step = 0; step < 10; step++) {
    await time.advance(10);
    await settled();
  }
}

describe("an actor whose state is a protobuf message", () => {
  test("is called with messages, or their fields, and answers messages", async () => {
    const { system } = await startSystem([watch, other]);
    const ref = system.actor(watch);
    const sum = await ref.add({ seconds: 2n, nanos: 5 });
    expect(isMessage(sum, DurationSchema)).toBe(true);
    expect(sum).toMatchObject({ seconds: 3n, nanos: 5 });
    expect(await ref.add(create(DurationSchema, { seconds: 1n }))).toMatchObject({ seconds: 4n });
    expect(await ref.label({})).toMatchObject({ value: "4 s" });
    expect(await ref.peek({})).toMatchObject({ seconds: 4n });
    expect(await ref.addLater({ seconds: 1 })).toBe(5);
    const now = await ref.get();
    expect(isMessage(now, DurationSchema) && now.seconds).toBe(4n);
  });

  test("has the state after a crash, and its revisions", async () => {
    const before = await startSystem([watch, other]);
    const first = await before.system.actor(watch).add({ seconds: 9n });
    first.seconds = 1_000n;
    const { system } = await crashAndRestart(before, [watch, other]);
    expect(await system.actor(watch).get()).toMatchObject({ seconds: 10n });
    expect(await system.stored(watch).readRevision(1)).toMatchObject({ seconds: 10n });
  });

  test("keeps its message by value, in strict mode too", async () => {
    const { system } = await startSystem([watch, other], { strict: true });
    const given = create(DurationSchema, { seconds: 1n });
    const adding = system.actor(watch).add(given);
    given.seconds = 50n;
    expect(await adding).toMatchObject({ seconds: 2n });
    expect(await system.actor(watch).add({ seconds: 1n })).toMatchObject({ seconds: 3n });
  });

  test("refuses what is no such message, and stays as it was", async () => {
    const { system } = await startSystem([watch, other]);
    const ref = system.actor(watch);
    const wrong = create(StringValueSchema, { value: "x" });
    expect(() => ref.add(wrong as never)).toThrowError(
      /payload: expected a message google.protobuf.Duration: got a google.protobuf.StringValue/,
    );
    const packed = anyPack(StringValueSchema, wrong);
    expect(await failureOf(system.invoke("watch", { action: "add", payload: packed }))).toBe(
      "INVALID_ARGUMENT no",
    );
    expect((await errorOf(ref.spoil())).message).toContain("state: expected a message");
    expect(await ref.get()).toMatchObject({ seconds: 1n });
    const plain = actor("plain", { state: () => create(DurationSchema), actions: { go: () => 1 } });
    const { system: second } = await startSystem([plain], { name: "second" });
    expect((await errorOf(second.actor(plain).go())).message).toContain("expected state(schema");
  });

  test("is not taken for the JSON that was stored under its name, nor the other way round", async () => {
    const inner = memoryStatestore();
    const json = actor("watch", {
      state: () => ({ seconds: 1 }),
      actions: { add: (ctx, by: number) => (ctx.state.seconds += by) },
    });
    const before = await startSystem([json], { inner });
    await before.system.actor(json).add(1);
    const { system } = await crashAndRestart(before, [watch, other]);
    expect(await failureOf(system.actor(watch).get())).toBe("STATE_CORRUPT no");
  });

  test("returns failures as every action does", async () => {
    const { system } = await startSystem([watch, other]);
    expect(await system.actor(watch).check({ seconds: 1n })).toMatchObject({});
    expect(await settle(system.actor(watch).check({ seconds: -1n }))).toMatchObject({
      ok: false,
      failure: { code: "negative", data: { seconds: -1 } },
    });
  });
});

describe("a message on its way between actors", () => {
  test("is given by name as an Any, and read from one", async () => {
    const { system } = await startSystem([watch, other]);
    const payload = anyPack(DurationSchema, create(DurationSchema, { seconds: 4n }));
    const answer: Any = await system.invoke("watch", { action: "add", payload });
    expect(anyUnpack(answer, DurationSchema)).toMatchObject({ seconds: 5n });
    const fromJson = await system.invoke<Any>("watch", { action: "add", payload: "2.5s" });
    expect(anyUnpack(fromJson, DurationSchema)).toMatchObject({ seconds: 7n, nanos: 500_000_000 });
  });

  test("goes with calls, effects, pipes and broadcasts", async () => {
    const { system, clock: time } = await startSystem([watch, other]);
    expect(await system.actor(other).ask(3)).toBe("4");
    expect(await system.actor(watch).doubled({})).toMatchObject({ seconds: 4n });
    await pass(time);
    expect(await system.actor(watch).get()).toMatchObject({ seconds: 8n });
    expect(await system.actor(watch).passed({ seconds: 7n })).toMatchObject({ seconds: 70n });
    await system.actor(other).tell(6);
    await pass(time);
    expect((await system.actor(other).get()).heard).toEqual(["7", "6"]);
    await system.effect(other).echo({ seconds: 8n });
    await pass(time);
    expect((await system.actor(other).get()).heard).toEqual(["7", "6", "8"]);
  });
});

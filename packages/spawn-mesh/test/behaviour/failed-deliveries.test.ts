/** What becomes of a message, by what its action did: each row of the guide's table. */
import { describe, expect, test } from "vitest";
import { actor, fail, input } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { StoreFailure } from "spawn-mesh/engine";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { actorNamed, firstCommit } from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { settled, startSystem } from "./start-system.ts";
import type { StartedSystem, StartOptions } from "./start-system.ts";

const text: StandardSchemaV1<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "expected text" }] },
  },
};

let gate = Promise.withResolvers<void>();
/** When the action ran, from the beginning of the test. */
let runs: number[] = [];
let start = 0;

const target = actor("target", {
  state: () => ({ items: [] as string[] }),
  actions: {
    add(ctx, item: string) {
      ctx.state.items.push(item);
    },
    throws(ctx, _item: string) {
      runs.push(ctx.now - start);
      throw new Error("no");
    },
    refuses(ctx, _item: string) {
      runs.push(ctx.now - start);
      return fail("no");
    },
    async hangs(ctx, _item: string) {
      runs.push(ctx.now - start);
      await new Promise(() => undefined);
    },
    async waits(ctx, item: string) {
      await gate.promise;
      ctx.state.items.push(item);
    },
    strict: input(text, (ctx, item: string) => {
      ctx.state.items.push(item);
    }),
    grows(ctx, _item: string) {
      ctx.state.items.push("x".repeat(1000));
    },
  },
});

const sender = actor("sender", {
  state: () => ({ sent: 0 }),
  actions: {
    send(ctx, messages: readonly { readonly action: string; readonly payload: unknown }[]) {
      for (const { action, payload } of messages) ctx.send("target", { action, payload });
      ctx.state.sent++;
    },
  },
});

const last = { action: "add", payload: "last" };

/** Sends a message and one behind it. */
async function sendTwo(action: string, options: StartOptions = {}): Promise<StartedSystem> {
  gate = Promise.withResolvers();
  runs = [];
  const started = await startSystem([target, sender], options);
  start = started.clock.wall();
  await started.system.actor(sender).send([{ action, payload: "first" }, last]);
  await settled();
  return started;
}

async function pass({ clock }: StartedSystem, ms: number, steps = 100): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await clock.advance(ms / steps);
    await settled();
  }
}

async function itemsOf({ system }: StartedSystem): Promise<readonly string[]> {
  return (await system.actor(target).get()).items;
}

describe("a message", () => {
  test("whose action returns fail() is consumed, and the next one comes", async () => {
    const started = await sendTwo("refuses");
    expect(await itemsOf(started)).toEqual(["last"]);
    expect(runs).toHaveLength(1);
    expect(await started.system.messages.list()).toEqual([]);
    expect(await started.system.messages.listParked()).toEqual([]);
  });

  test("whose action throws is tried after 1 s, 2 s, 4 s …, parked after eight attempts, and told", async () => {
    const started = await sendTwo("throws");
    expect(await itemsOf(started)).toEqual([]);
    await pass(started, 130_000, 1300);
    const waits = runs.slice(1).map((at, index) => Math.round((at - runs[index]!) / 1000));
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(await started.system.messages.listParked()).toMatchObject([
      { action: "throws", attempts: 8, error: expect.stringContaining("no") },
    ]);
    expect(started.events).toContainEqual(
      expect.objectContaining({ type: "message-parked", action: "throws" }),
    );
    const told = started.events.filter((event) => event.type === "message-failed");
    expect(told.map(({ attempts }) => attempts)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(told[0]).toMatchObject({ action: "throws", error: { code: "ACTION_FAILED" } });
    expect(JSON.stringify(told[0])).toContain(told[0]!.error.message);
    expect(await itemsOf(started)).toEqual(["last"]);
  });

  test("whose action takes too long is tried again, and keeps nobody waiting but its lane", async () => {
    const started = await sendTwo("hangs", { limits: { messageAttemptsMax: 2 } });
    await pass(started, 70_000);
    expect(runs).toHaveLength(2);
    await pass(started, 70_000);
    expect(await started.system.messages.listParked()).toMatchObject([
      { action: "hangs", attempts: 2, error: expect.stringContaining("DEADLINE_EXCEEDED") },
    ]);
    await pass(started, 10_000);
    expect(await itemsOf(started)).toEqual(["last"]);
  });

  test("that is under way for long, or waits behind one that is, counts no attempts of that", async () => {
    const started = await sendTwo("waits", { limits: { messageAttemptsMax: 2 } });
    await pass(started, 50_000);
    const attempts = (await started.system.messages.list()).map((message) => message.attempts);
    expect(attempts).toEqual([0, 0]);
    gate.resolve();
    await pass(started, 100);
    expect(await itemsOf(started)).toEqual(["first", "last"]);
    expect(await started.system.messages.listParked()).toEqual([]);
  });

  test("whose actor cannot be loaded is tried again, and parked with the reason", async () => {
    const inner = memoryStatestore();
    await inner.open({ owner: "a newer program" });
    const id = actorNamed("target", "target", "test");
    await inner.commit([firstCommit(id, { stateVersion: 9 })]);
    const started = await sendTwo("add", { inner, limits: { messageAttemptsMax: 2 } });
    expect(await started.system.messages.listParked()).toEqual([]);
    await pass(started, 60_000);
    const parked = await started.system.messages.listParked();
    expect(parked).toHaveLength(2);
    expect(parked[0]?.error).toContain("version 9");
  });

  test.each([
    ["an actor that is not there", "nobody", "add", "x", "ACTOR_NOT_FOUND"],
    ["an action that is not there", "target", "fly", "x", "ACTION_NOT_FOUND"],
    ["a payload that is refused", "target", "strict", 5, "expected text"],
  ])("to %s is parked at once, and the next one comes", async (...row) => {
    const [, name, action, payload, said] = row;
    const started = await startSystem([target, sender]);
    await started.system.send(name, { action, payload });
    await started.system.actor(sender).send([{ action: "add", payload: "fine" }]);
    await pass(started, 10);
    expect(await started.system.messages.listParked()).toMatchObject([
      { error: expect.stringContaining(said) },
    ]);
    expect(await itemsOf(started)).toEqual(["fine"]);
  });

  test.each([
    ["refuses", "replace"],
    ["fly", "park"],
    ["throws", "postpone"],
  ] as const)(
    "that %s keeps the next one waiting while the statestore cannot %s it",
    async (action, call) => {
      const started = await startSystem([target, sender]);
      runs = [];
      const { system, inner, events } = started;
      const write = inner.messages[call];
      inner.messages[call] = async () => {
        throw new StoreFailure("capacity", "the disk is full");
      };
      await system.actor(sender).send([{ action, payload: "first" }, last]);
      await pass(started, 4_000);
      expect(await itemsOf(started)).toEqual([]);
      expect(await system.messages.list()).toHaveLength(2);
      expect(events.filter(({ type }) => type === "message-parked")).toEqual([]);
      Object.assign(inner.messages, { [call]: write });
      await pass(started, 200_000, 1000);
      expect(await itemsOf(started)).toEqual(["last"]);
    },
  );

  test("whose change is too large to be stored is parked at once", async () => {
    const started = await sendTwo("grows", { limits: { stateUnitsMax: 500 } });
    await pass(started, 100);
    expect(await started.system.messages.listParked()).toMatchObject([
      { attempts: 0, error: expect.stringContaining("PAYLOAD_TOO_LARGE") },
    ]);
    expect(await itemsOf(started)).toEqual(["last"]);
  });

  test("whose target is full is tried again without counting, and comes when there is room", async () => {
    const limits = { mailboxLengthMax: 2, messageAttemptsMax: 1 };
    const started = await startSystem([target, sender], { limits });
    gate = Promise.withResolvers();
    const { system } = started;
    const names = Array.from({ length: 20 }, (_, index) => `${index}`);
    // From outside there are no lanes: all of them come at once.
    for (const item of names) await system.effect(target).waits(item);
    await pass(started, 50_000);
    expect(await system.messages.listParked()).toEqual([]);
    gate.resolve();
    await pass(started, 50_000);
    expect([...(await itemsOf(started))].toSorted()).toEqual(names.toSorted());
    expect(await system.messages.listParked()).toEqual([]);
  });
});

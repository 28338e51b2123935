import { describe, expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { message, ordered } from "../../testing/statestore-cases/message-fixtures.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { EngineEvent } from "../events.ts";
import type { Caller } from "../calls/invocation.ts";
import { defaultLimits } from "../limits.ts";
import type { Limits } from "../limits.ts";
import { Loader } from "../activations/loader.ts";
import { REST_IS_STORED } from "./broadcasts.ts";
import { Outbox } from "./outbox.ts";
import { noCronTimes } from "./repetition.ts";
import { Sweeper } from "./sweeper.ts";
import { Watch } from "../time/watch.ts";

/** A clock whose wall clock can be set. */
class SetClock extends VirtualClock {
  aheadMs = 0;

  override wall(): number {
    return super.wall() + this.aheadMs;
  }
}

/** A sweeper with an outbox that notes what it delivers; the test answers for the targets. */
async function setUp(changes: Partial<Limits> = {}) {
  const clock = new SetClock();
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const limits = { ...defaultLimits, ...changes };
  const events: EngineEvent[] = [];
  const emit = (event: EngineEvent): void => void events.push(event);
  const parts = { system: "shop", store, clock, random: seededRandom(1), limits, emit };
  const delivered: string[] = [];
  const callers = new Map<string, Caller>();
  const outbox = new Outbox({
    ...parts,
    cronTimes: noCronTimes,
    watch: new Watch(clock),
    loader: new Loader(parts),
    deliver({ id, attempts }, caller) {
      delivered.push(`${id} ${attempts}`);
      callers.set(id, caller);
    },
  });
  const sweeper = new Sweeper({ ...parts, outbox });
  outbox.start();
  return { clock, store, outbox, sweeper, delivered, callers, events, now: clock.wall() };
}

describe("the sweeper", () => {
  test("finds what is due when it starts, and sleeps until the next is due", async () => {
    const { clock, store, sweeper, delivered, now } = await setUp();
    await store.messages.send([
      message("due", { dueAt: now - 5 }),
      message("later", { dueAt: now + 9_000 }),
    ]);
    sweeper.start();
    await clock.advance(0);
    expect(delivered).toEqual(["due 1"]);
    await clock.advance(8_999);
    expect(delivered.filter((line) => line.startsWith("later"))).toEqual([]);
    await clock.advance(1);
    expect(delivered.at(-1)).toBe("later 1");
  });

  test("wakes for what is stored while it sleeps", async () => {
    const { clock, store, sweeper, outbox, delivered, now } = await setUp();
    sweeper.start();
    await clock.advance(10);
    await store.messages.send([message("a", { dueAt: now + 50 })]);
    outbox.onStored(now + 50);
    await clock.advance(39);
    expect(delivered).toEqual([]);
    await clock.advance(1);
    expect(delivered).toEqual(["a 1"]);
  });

  test("starts at once what is stored after the wall clock was set forward", async () => {
    const { clock, store, sweeper, outbox, delivered, now } = await setUp();
    await store.messages.send([message("later", { dueAt: now + 50_000 })]);
    sweeper.start();
    await clock.advance(1_000);
    clock.aheadMs = 3_600_000;
    await store.messages.send([message("a", { dueAt: clock.wall() })]);
    outbox.onStored(clock.wall());
    await clock.advance(1);
    expect(delivered).toEqual(["later 1", "a 1"]);
  });

  test("claims no more than may be under way, and goes on when there is room", async () => {
    const { clock, store, sweeper, delivered, callers } = await setUp({ claimRowsMax: 4 });
    const ids = Array.from({ length: 10 }, (_, index) => `m-${index}`);
    await store.messages.send(ids.map((id) => message(id)));
    sweeper.start();
    await clock.advance(0);
    expect(delivered).toEqual(["m-0 1", "m-1 1", "m-2 1", "m-3 1"]);
    for (const id of ["m-0", "m-1"]) {
      await store.messages.remove([id]);
      callers.get(id)!.resolve(undefined);
    }
    await clock.advance(0);
    expect(delivered.slice(4)).toEqual(["m-4 1", "m-5 1"]);
  });

  test("claims what may end its process one at a time, and the others beside it", async () => {
    const { clock, store, sweeper, delivered, callers, now } = await setUp();
    await store.messages.send(["a", "b", "c"].map((id) => message(id)));
    // Processes took them twice, and nothing was heard of that.
    for (const wall of [now, now + 1]) {
      await store.messages.claim({
        wall,
        isDoubtful: false,
        limit: 10,
        laneMax: 10,
        unitsMax: 1_000,
        retry: { firstMs: 0, maxMs: 0 },
      });
    }
    await store.messages.send([message("innocent")]);
    await clock.advance(10);
    sweeper.start();
    await clock.advance(0);
    expect(delivered).toEqual(["a 3", "innocent 1"]);
    await store.messages.remove(["a"]);
    callers.get("a")!.resolve(undefined);
    await clock.advance(0);
    expect(delivered.slice(2)).toEqual(["b 3"]);
  });

  test("finds the next occurrence of a repeated message before the last is known to be over, and delivers it right then", async () => {
    const { clock, store, sweeper, outbox, delivered, callers, now } = await setUp();
    const tick = message("tick", { dueAt: now });
    await store.messages.send([tick]);
    sweeper.start();
    await clock.advance(0);
    // The commit is done, and its answer on the way.
    await store.messages.replace(tick, [{ ...tick, sentAt: tick.sentAt + 1 }]);
    outbox.onStored(now);
    await clock.advance(2_000);
    expect(delivered).toEqual(["tick 1"]);
    callers.get("tick")!.resolve(undefined);
    await clock.advance(0);
    expect(delivered).toEqual(["tick 1", "tick 1"]);
  });

  test("finds a message before its commit is known to be done, and delivers it once and then those behind it", async () => {
    const { clock, store, sweeper, outbox, delivered, callers, now } = await setUp();
    const [first, second] = [ordered("first", { dueAt: now }), ordered("second", { dueAt: now })];
    await store.messages.send([first]);
    sweeper.start();
    await clock.advance(0);
    const atOnce = { ...first, payload: null, dueAt: undefined, isNamed: false, isStored: true };
    outbox.committed([first], [atOnce]);
    await store.messages.send([second]);
    outbox.onStored(now);
    await clock.advance(10);
    expect(delivered).toEqual(["first 1"]);
    await store.messages.remove(["first"]);
    callers.get("first")!.resolve(undefined);
    await clock.advance(0);
    expect(delivered).toEqual(["first 1", "second 1"]);
  });

  test("is left what was sent behind a broadcast that goes on", async () => {
    const { clock, store, outbox, delivered, callers } = await setUp();
    const sent = [ordered("first"), ordered("second")];
    await store.messages.send(sent);
    const direct = sent.map((each) => ({
      ...each,
      payload: null,
      dueAt: undefined,
      isNamed: false,
      isStored: true,
    }));
    outbox.committed(sent, direct);
    callers.get("first")!.resolve(REST_IS_STORED);
    await clock.advance(10);
    expect(delivered).toEqual(["first 0"]);
    expect(outbox.underWay).toBe(0);
  });

  test("says when the statestore fails, and tries again", async () => {
    const { clock, store, sweeper, delivered, events } = await setUp();
    await store.messages.send([message("a")]);
    store.fail("messages", { times: 3 });
    sweeper.start();
    await clock.advance(1_000);
    expect(delivered).toEqual(["a 1"]);
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({ type: "store-failed", operation: "messages" });
  });

  test("delivers nothing that it had asked for when it was stopped", async () => {
    const { clock, store, sweeper, delivered } = await setUp();
    await store.messages.send([message("a")]);
    const hold = store.hold("messages");
    sweeper.start();
    await clock.advance(0);
    sweeper.stop();
    hold.release();
    await clock.advance(100_000);
    expect([delivered, clock.pending]).toEqual([[], 0]);
  });
});

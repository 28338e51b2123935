import { expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { message } from "../../testing/statestore-cases/message-fixtures.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { SpawnError } from "../errors.ts";
import { resolveLimits } from "../limits.ts";
import type { Message } from "../message-store.ts";
import { StoreFailure } from "../statestore.ts";
import { MessageWriter } from "./message-writer.ts";

const LIMITS = resolveLimits({
  commitRowsMax: 3,
  commitsInFlightMax: 1,
  queuedMax: 4,
  unstoredUnitsMax: 10_000,
});

/** A writer, and the ids of what it gave the statestore at once; that cannot hold what is called `large`. */
async function setUp() {
  const clock = new VirtualClock();
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const groups: string[][] = [];
  const send = store.messages.send.bind(store.messages);
  Object.assign(store.messages, {
    async send(messages: readonly Message[]) {
      groups.push(messages.map(({ id }) => id));
      if (groups.at(-1)!.includes("large")) throw new StoreFailure("rows", "too large");
      await send(messages);
    },
  });
  const writer = new MessageWriter({
    clock,
    store,
    random: seededRandom(1),
    limits: LIMITS,
    emit: () => undefined,
  });
  const outcomes = (ids: readonly string[]): Promise<readonly string[]> =>
    Promise.all(ids.map((id) => outcomeOf(writer.store([message(id)]))));
  return { clock, store, groups, writer, outcomes };
}

async function outcomeOf(stored: Promise<void>): Promise<string> {
  return await stored.then(
    () => "stored",
    ({ code, applied }: SpawnError) => `${code} ${applied}`,
  );
}

test("messages that come while others are on their way are stored together, as many as a group may have", async () => {
  const { store, groups, outcomes, writer } = await setUp();
  const hold = store.hold("messages");
  const first = writer.store([message("a")]);
  await Promise.resolve();
  const others = outcomes(["b", "c", "d"]);
  const many = writer.store(["e", "f", "g", "h"].map((id) => message(id)));
  hold.release();
  await Promise.all([first, others, many]);
  expect(groups).toEqual([["a"], ["b", "c", "d"], ["e", "f", "g", "h"]]);
  expect(await store.messages.list({ limit: 20 })).toHaveLength(8);
});

test("a message that the statestore cannot hold fails alone", async () => {
  const { groups, outcomes } = await setUp();
  expect(await outcomes(["a", "large", "b"])).toEqual(["stored", "PAYLOAD_TOO_LARGE no", "stored"]);
  expect(groups).toEqual([["a", "large", "b"], ["a"], ["large"], ["b"]]);
});

test("more than may wait are refused, and say so", async () => {
  const { store, outcomes } = await setUp();
  const hold = store.hold("messages");
  const first = outcomes(["a"]);
  await Promise.resolve();
  const others = outcomes(["b", "c", "d", "e", "f"]);
  hold.release();
  await first;
  expect((await others).toSorted()).toEqual([
    "OVERLOADED no",
    ...["b", "c", "d", "e"].map(() => "stored"),
  ]);
});

test("more memory than they may take while they wait is refused, and one may wait, however large", async () => {
  const { store, outcomes, writer } = await setUp();
  const sized = (id: string, units: number): Promise<string> =>
    outcomeOf(writer.store([message(id, { payload: JSON.stringify("x".repeat(units)) })]));
  const hold = store.hold("messages");
  const first = outcomes(["a"]);
  await Promise.resolve();
  const alone = sized("however large", 50_000);
  const others = [sized("small", 1), sized("large", 9_000)];
  hold.release();
  expect(await Promise.all([first, alone, ...others])).toEqual([
    ["stored"],
    "stored",
    "OVERLOADED no",
    "OVERLOADED no",
  ]);
  const again = store.hold("messages");
  const next = outcomes(["b"]);
  await Promise.resolve();
  const within = [sized("c", 5_000), sized("d", 4_000), sized("e", 4_000)];
  again.release();
  await next;
  expect(await Promise.all(within)).toEqual(["stored", "stored", "OVERLOADED no"]);
});

test("when an answer is lost nobody is told that it is stored, or that it is not", async () => {
  const { store, groups, outcomes } = await setUp();
  store.fail("messages", { isApplied: true });
  const unknown = "UNKNOWN_OUTCOME unknown";
  expect(await outcomes(["a", "b"])).toEqual([unknown, unknown]);
  expect(groups).toEqual([["a", "b"]]);
});

test("what waits when the system ends is not stored, and its senders are told", async () => {
  const { store, groups, outcomes, writer } = await setUp();
  const hold = store.hold("messages");
  const first = outcomes(["a"]);
  await Promise.resolve();
  const second = outcomes(["b"]);
  await Promise.resolve();
  writer.stop("the system has stopped");
  hold.release();
  expect([await first, await second]).toEqual([["stored"], ["SHUTTING_DOWN no"]]);
  expect(groups).toEqual([["a"]]);
});

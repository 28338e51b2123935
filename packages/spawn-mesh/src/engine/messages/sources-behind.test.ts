import { expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { actorNamed, firstCommit } from "../../testing/statestore-cases/commit-fixtures.ts";
import { ann, bob, ordered } from "../../testing/statestore-cases/message-fixtures.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { SpawnError } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import { SourcesBehind } from "./sources-behind.ts";

const ASK_PERIOD_MS = 1_000;

async function setUp() {
  const clock = new VirtualClock();
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const events: EngineEvent[] = [];
  const emit = (event: EngineEvent): void => void events.push(event);
  return { clock, store, events, sources: new SourcesBehind({ store, clock, emit }) };
}

test("a source is behind until the statestore has no ordered messages of it left", async () => {
  const { clock, store, sources } = await setUp();
  await store.commit([firstCommit(ann, { sends: [ordered("a")] })]);
  sources.add(ann, 1);
  await clock.advance(10 * ASK_PERIOD_MS);
  expect(sources.has(ann)).toBe(true);
  await store.messages.remove(["a"]);
  await clock.advance(ASK_PERIOD_MS);
  expect([sources.has(ann), clock.pending]).toEqual([false, 0]);
});

test("a source is behind until the commit is seen whose messages were left to the statestore", async () => {
  const { clock, store, sources } = await setUp();
  sources.add(ann, 1);
  await clock.advance(10 * ASK_PERIOD_MS);
  expect(sources.has(ann)).toBe(true);
  await store.commit([firstCommit(ann)]);
  await clock.advance(ASK_PERIOD_MS);
  expect(sources.has(ann)).toBe(false);
});

test("an answer does not count when messages were left while it was on its way", async () => {
  const { clock, store, sources } = await setUp();
  await store.commit([firstCommit(ann)]);
  sources.add(ann, 1);
  const hold = store.hold("load", { isApplied: true });
  await clock.advance(ASK_PERIOD_MS);
  expect([hold.waiting, sources.leaves(ann)]).toEqual([1, true]);
  hold.release();
  await clock.advance(0);
  expect(sources.has(ann)).toBe(true);
  await clock.advance(ASK_PERIOD_MS);
  expect(sources.has(ann)).toBe(false);
});

test("a source whose row cannot be read stays behind, and keeps no other there", async () => {
  const { clock, store, sources } = await setUp();
  await store.commit([firstCommit(ann), firstCommit(bob)]);
  const load = store.load.bind(store);
  store.load = async (queries) => {
    if (queries.some(({ actor }) => actor.name === "ann"))
      throw new SpawnError("STATE_CORRUPT", "the row of ann is damaged");
    return await load(queries);
  };
  sources.add(ann);
  sources.add(bob);
  await clock.advance(2 * ASK_PERIOD_MS);
  expect([sources.has(ann), sources.has(bob)]).toEqual([true, false]);
});

test("a failing statestore leaves sources behind, says so, and is asked again", async () => {
  const { clock, store, sources, events } = await setUp();
  await store.commit([firstCommit(ann)]);
  store.fail("load");
  sources.add(ann);
  await clock.advance(ASK_PERIOD_MS);
  expect(sources.has(ann)).toBe(true);
  expect(events).toMatchObject([{ type: "store-failed", operation: "messages" }]);
  await clock.advance(ASK_PERIOD_MS);
  expect(sources.has(ann)).toBe(false);
});

test("of very many sources each has its turn, though some stay behind", async () => {
  const { clock, store, sources } = await setUp();
  const actors = Array.from({ length: 400 }, (_, index) => actorNamed(`${index}`));
  await store.commit(actors.map((actor) => firstCommit(actor)));
  const stuck = actors.slice(0, 200);
  await store.messages.send(stuck.map((source) => ordered(`of ${source.name}`, { source })));
  for (const actor of actors) sources.add(actor);
  await clock.advance(5 * ASK_PERIOD_MS);
  expect(actors.filter((actor) => sources.has(actor))).toEqual(stuck);
});

import { expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { actorNamed, firstCommit, reply } from "../../testing/statestore-cases/commit-fixtures.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import type { EngineEvent } from "../events.ts";
import { Pruner } from "./pruner.ts";

const MINUTE_MS = 60_000;

async function prunerOn(replies: number) {
  const clock = new VirtualClock();
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const ann = actorNamed("ann");
  const keys = Array.from({ length: replies }, (_, index) => `k-${index}`);
  const expiresAt = clock.wall() + 1_000;
  const stored = keys.map((key) => reply(key, { expiresAt }));
  await store.commit([firstCommit(ann, { replies: stored })]);
  const events: EngineEvent[] = [];
  const pruner = new Pruner(store, clock, (event) => events.push(event));
  const left = async (): Promise<number> => {
    const [answer] = await store.load([{ actor: ann, row: false, keys, messages: [] }]);
    return answer!.replies.length;
  };
  return { clock, store, pruner, events, left };
}

test("forgets once a minute what has expired", async () => {
  const { clock, pruner, left } = await prunerOn(5);
  pruner.start();
  await clock.advance(MINUTE_MS - 1);
  expect(await left()).toBe(5);
  await clock.advance(1);
  expect(await left()).toBe(0);
});

test("goes on soon when there was more than it takes away at once", async () => {
  const { clock, pruner, left } = await prunerOn(2_500);
  pruner.start();
  await clock.advance(MINUTE_MS);
  expect(await left()).toBe(1_500);
  await clock.advance(200);
  expect(await left()).toBe(0);
});

test("says when the statestore fails, and comes again", async () => {
  const { clock, store, pruner, left, events } = await prunerOn(5);
  store.fail("prune");
  pruner.start();
  await clock.advance(MINUTE_MS);
  expect(events).toMatchObject([{ type: "store-failed", operation: "prune" }]);
  await clock.advance(MINUTE_MS);
  expect(await left()).toBe(0);
});

test("does nothing more when it is stopped, and leaves no timer", async () => {
  const { clock, pruner, left } = await prunerOn(5);
  pruner.start();
  pruner.stop();
  await clock.advance(2 * MINUTE_MS);
  expect([await left(), clock.pending]).toEqual([5, 0]);
});

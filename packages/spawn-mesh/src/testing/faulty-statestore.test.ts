import { describe, expect, test } from "vitest";
import type { Commit } from "../engine/statestore.ts";
import { memoryStatestore } from "../statestores/memory/index.ts";
import { FaultyStatestore } from "./faulty-statestore.ts";

const actor = { system: "s", definition: "d", name: "n" };
const commit: Commit = {
  actor,
  handle: undefined,
  previous: undefined,
  etag: "0123456789abcdef",
  revision: 1,
  state: "{}",
  codec: "json",
  stateVersion: 1,
  tags: undefined,
  at: 0,
  isDelete: false,
  revisionsKept: 0,
  replies: [],
  consumes: [],
  cancels: [],
  sends: [],
};

async function opened() {
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const isStored = async (): Promise<boolean> => {
    const [answer] = await store.load([{ actor, row: true, keys: [], messages: [] }]);
    return answer?.row !== undefined;
  };
  return { store, isStored };
}

describe("a faulty statestore", () => {
  test("does what the one within does until it is told to fail", async () => {
    const { store, isStored } = await opened();
    expect(await store.commit([commit])).toEqual([0]);
    expect([await isStored(), store.groups, store.loadCount]).toEqual([true, [[commit]], 1]);
  });

  test("fails as often as it is told, without an effect", async () => {
    const { store, isStored } = await opened();
    store.fail("commit", { kind: "capacity", times: 2 });
    await expect(store.commit([commit])).rejects.toMatchObject({ kind: "capacity" });
    await expect(store.commit([commit])).rejects.toMatchObject({ kind: "capacity" });
    expect(await isStored()).toBe(false);
    expect(await store.commit([commit])).toEqual([0]);
  });

  test("loses an answer after the effect", async () => {
    const { store, isStored } = await opened();
    store.fail("commit", { isApplied: true });
    await expect(store.commit([commit])).rejects.toMatchObject({ kind: "ambiguous" });
    expect(await isStored()).toBe(true);
  });

  test.each([false, true])("holds a call (applied: %s) until it is let go", async (isApplied) => {
    const { store, isStored } = await opened();
    const hold = store.hold("commit", { isApplied });
    let isAnswered = false;
    const call = store.commit([commit]).then(() => (isAnswered = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isAnswered, hold.waiting, await isStored()]).toEqual([false, 1, isApplied]);
    hold.release();
    await call;
    expect([hold.waiting, await isStored()]).toEqual([0, true]);
  });

  test("heals: nothing fails and nothing waits any more", async () => {
    const { store } = await opened();
    store.hold("commit");
    const held = store.commit([commit]);
    store.fail("load", { times: Infinity });
    store.heal();
    expect(await held).toEqual([0]);
    expect(await store.load([])).toEqual([]);
  });
});

import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isSealed } from "../../engine/sealed-rows.ts";
import type { Statestore } from "../../engine/statestore.ts";
import {
  actorNamed,
  createActor,
  loadRow,
  nextCommit,
} from "../../testing/statestore-cases/commit-fixtures.ts";
import { message } from "../../testing/statestore-cases/message-fixtures.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { memoryStatestore } from "../memory/index.ts";
import { encryptedStatestore } from "./index.ts";
import type { EncryptedStatestore, Encryption, ReencryptionOptions } from "./index.ts";

const old = randomBytes(32);
const next = randomBytes(32);
const both: Encryption = { keys: { old, next }, active: "next" };

async function opened(inner: Statestore, encryption: Encryption): Promise<EncryptedStatestore> {
  const store = encryptedStatestore(inner, encryption);
  await store.open({ owner: "session" });
  return store;
}

/** So many actors under the old key, behind a store that fails when told to. */
async function storeOf(actors: number): Promise<FaultyStatestore> {
  const inner = new FaultyStatestore(memoryStatestore());
  const store = await opened(inner, { keys: { old } });
  for (let index = 0; index < actors; index++) await createActor(store, actorNamed(`a${index}`));
  return inner;
}

/** Runs it to its end, however much virtual time that takes; answers the time, too. */
async function run(store: EncryptedStatestore, options: ReencryptionOptions = {}) {
  const clock = new VirtualClock();
  const startedAt = clock.monotonic();
  let isOver = false;
  const running = store.reencrypt({ clock, ...options });
  const ended = running.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1);
  }
  await ended;
  return { running, ms: clock.monotonic() - startedAt };
}

async function keyOfRow(inner: Statestore, name: string): Promise<string | undefined> {
  const { state } = await loadRow(inner, actorNamed(name));
  return isSealed(state) ? state.keyId : undefined;
}

describe("a change of keys", () => {
  test("takes no more rows a second than it may", async () => {
    const store = await opened(await storeOf(300), both);
    const { running, ms } = await run(store, { rowsPerSecondMax: 100 });
    expect(await running).toMatchObject({ rewritten: 300, isComplete: true });
    expect(ms).toBeGreaterThan(3_000);
    expect(ms).toBeLessThan(5_000);
  });

  test.each(["in a pause", "while the statestore fails"])(
    "ends at once %s when its signal is aborted",
    async (when) => {
      const inner = await storeOf(5);
      const store = await opened(inner, both);
      if (when !== "in a pause") inner.fail("sealed", { kind: "retry", times: 99 });
      const abort = new AbortController();
      const clock = new VirtualClock();
      const { signal } = abort;
      const running = store.reencrypt({ clock, signal, rowsPerSecondMax: 0.001 });
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      abort.abort(new Error("enough"));
      await expect(running).rejects.toThrow("enough");
      expect(clock.nextAt).toBeUndefined();
    },
  );

  test("keeps to the default pace when it is told undefined rows a second", async () => {
    const store = await opened(await storeOf(3_000), both);
    const { running, ms } = await run(store, { rowsPerSecondMax: undefined });
    expect(await running).toMatchObject({ rewritten: 3_000, isComplete: true });
    expect(ms).toBeGreaterThan(1_000);
  });

  test("does nothing but look when all is done, and forgets no key that it did not check", async () => {
    const inner = await storeOf(5);
    const store = await opened(inner, { keys: { old } });
    const { running } = await run(store);
    expect(await running).toEqual({
      keyId: "old",
      pass: 1,
      seen: 5,
      rewritten: 0,
      unreadable: 0,
      isComplete: true,
      keysInUse: [],
      failures: [],
    });
    expect((await inner.sealed.listKeys()).map(({ keyId }) => keyId)).toEqual(["old"]);
  });

  test("forgets the other keys when it is complete", async () => {
    const inner = await storeOf(5);
    const store = await opened(inner, both);
    await run(store);
    expect((await inner.sealed.listKeys()).map(({ keyId }) => keyId)).toEqual(["next"]);
    await store.close();
    await opened(inner, { keys: { next } });
  });

  test.each(["retry", "capacity", "ambiguous"] as const)(
    "goes on after failures of the statestore (%s)",
    async (kind) => {
      const inner = await storeOf(100);
      const store = await opened(inner, both);
      inner.fail("sealed", { kind, times: 4, isApplied: kind === "ambiguous" });
      expect(await (await run(store)).running).toMatchObject({ isComplete: true });
      expect(await keyOfRow(inner, "a99")).toBe("next");
    },
  );

  test.each(["fatal", "retry"] as const)(
    "ends when the statestore stays away (%s)",
    async (kind) => {
      const inner = await storeOf(3);
      const store = await opened(inner, both);
      inner.fail("sealed", { kind, times: Infinity });
      const { running } = await run(store);
      await expect(running).rejects.toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
      inner.heal();
      expect((await inner.sealed.listKeys()).map(({ keyId }) => keyId)).toEqual(["old", "next"]);
    },
  );

  test("leaves a row that is written meanwhile to its writer", async () => {
    const inner = await storeOf(1);
    const store = await opened(inner, both);
    const actor = actorNamed("a0");
    const row = await loadRow(store, actor);
    const hold = inner.hold("sealed", { isApplied: true });
    const running = run(store);
    await expect.poll(() => hold.waiting).toBe(1);
    // It has read the row and not written it.
    await store.commit([nextCommit(actor, row, { state: "7", revisionsKept: 1 })]);
    hold.release();
    expect(await (await running).running).toMatchObject({ isComplete: true, rewritten: 1 });
    expect((await loadRow(store, actor)).state).toBe("7");
    // What the writer put into the history was found in the next pass.
    const kept = await inner.readRevision(actor, 1);
    expect(kept?.state).toMatchObject({ keyId: "next" });
  });

  test("gives up against somebody who goes on writing with the old key, and keeps it", async () => {
    const inner = await storeOf(1);
    const store = await opened(inner, both);
    const other = await opened(inner, { keys: { next, old }, active: "old" });
    const actor = actorNamed("a0");
    const write = async (): Promise<void> => {
      await other.commit([nextCommit(actor, await loadRow(other, actor))]);
    };
    const writes: Promise<void>[] = [];
    const { running } = await run(store, { onProgress: () => void writes.push(write()) });
    expect(await running).toMatchObject({ pass: 10, isComplete: false });
    await Promise.all(writes);
    expect((await inner.sealed.listKeys()).map(({ keyId }) => keyId)).toEqual(["old", "next"]);
  });

  test("takes the reasons of messages along that another process has encrypted with the old key", async () => {
    const inner = await storeOf(0);
    const store = await opened(inner, both);
    const other = await opened(inner, { keys: { next, old }, active: "old" });
    const sent = message("m1", { payload: "1" });
    await store.messages.send([sent, { ...sent, id: "m2" }]);
    await other.messages.postpone([{ ...sent, attempts: 1, error: "the door is shut" }]);
    await other.messages.park([{ ...sent, id: "m2", error: "it stays shut" }], 1);
    const { running } = await run(store);
    expect(await running).toMatchObject({ rewritten: 2, isComplete: true, keysInUse: [] });
    await store.close();
    const without = await opened(inner, { keys: { next } });
    const page = { limit: 10 };
    expect(await without.messages.list(page)).toMatchObject([{ error: "the door is shut" }]);
    expect(await without.messages.listParked(page)).toMatchObject([{ error: "it stays shut" }]);
  });

  test("names the keys of reasons, too, that messages which nobody can open have failed for", async () => {
    const inner = memoryStatestore();
    const lost = await opened(inner, { keys: { lost: randomBytes(32) } });
    const sent = message("m1", { payload: "1" });
    await lost.messages.send([sent]);
    const third = await opened(inner, { keys: { old }, lost: ["lost"] });
    await third.messages.postpone([{ ...sent, attempts: 1, error: "why" }]);
    const store = await opened(inner, { ...both, lost: ["lost"] });
    const { running } = await run(store);
    expect(await running).toMatchObject({ isComplete: false, keysInUse: ["lost", "old"] });
  });

  test.each([0, -1, Number.NaN, "many"])("refuses %s rows a second", async (rowsPerSecondMax) => {
    const store = await opened(await storeOf(0), both);
    await expect(
      store.reencrypt({ rowsPerSecondMax: rowsPerSecondMax as number }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("needs an open statestore", async () => {
    const store = encryptedStatestore(memoryStatestore(), both);
    await expect(store.reencrypt()).rejects.toMatchObject({ kind: "fatal" });
  });
});

/** Every commit writes the whole state: an actor with a large one rests in between, and others have the disk. */
import { describe, expect, test } from "vitest";
import { actor, read } from "spawn-mesh";
import { counter } from "./counter.ts";
import type { StartedSystem } from "./start-system.ts";
import { failureOf, quiet, settled, startSystem, watched } from "./start-system.ts";

const text = "x".repeat(9_970);

const large = actor("large", {
  kind: "unnamed",
  state: () => ({ n: 0, text }),
  actions: {
    bump: (ctx) => ++ctx.state.n,
    peek: read((ctx) => ctx.state.n),
  },
});

const behind = actor("behind", {
  durability: "write-behind",
  snapshotTimeoutMs: 400,
  state: () => ({ n: 0, text }),
  actions: {
    bump: (ctx) => ++ctx.state.n,
    checkpoint(ctx) {
      ctx.checkpoint();
      return ++ctx.state.n;
    },
  },
});

/** The actors rest for 100 ms. */
const limits = { commitUnitsPerSecond: 100_000 };

/** When commits begin, in milliseconds since now. */
function commitTimes({ store, clock }: StartedSystem): () => readonly number[] {
  const from = clock.monotonic();
  const times: number[] = [];
  const commit = store.commit.bind(store);
  store.commit = (group) => {
    times.push(clock.monotonic() - from);
    return commit(group);
  };
  return () => times;
}

describe("an actor with a large state", () => {
  test("commits no more of it a second than its limit, however many actions change it", async () => {
    const started = await startSystem([large], { limits });
    const times = commitTimes(started);
    const ref = started.system.actor(large, "a");
    const calls: Promise<number>[] = [];
    for (let ms = 0; ms < 1_000; ms += 4) {
      calls.push(ref.bump());
      await started.clock.advance(4);
    }
    expect(times()).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000]);
    expect(await Promise.all(calls)).toEqual(Array.from(calls, (_, index) => index + 1));
    expect(started.store.commits.at(-1)?.state).toContain('"n":250');
  });

  test("commits at once when it has rested", async () => {
    const started = await startSystem([large], { limits });
    const times = commitTimes(started);
    const ref = started.system.actor(large, "a");
    await ref.bump();
    await started.clock.advance(150);
    expect(await ref.bump()).toBe(2);
    expect(times()).toEqual([0, 150]);
  });

  test("rests from when a commit began, however long that took", async () => {
    const started = await startSystem([large], { limits });
    const times = commitTimes(started);
    const ref = started.system.actor(large, "a");
    const hold = started.store.hold("commit");
    void quiet(ref.bump());
    await started.clock.advance(80);
    void quiet(ref.bump());
    hold.release();
    await started.clock.advance(100);
    expect(times()).toEqual([0, 100]);
  });

  test("keeps no other actor from committing, and none with a small state ever rests", async () => {
    const started = await startSystem([large, counter], { limits });
    const times = commitTimes(started);
    const { system, clock } = started;
    await system.actor(large, "a").bump();
    const waits = watched(quiet(system.actor(large, "a").bump()));
    for (let ms = 1; ms <= 5; ms++) {
      await clock.advance(1);
      expect(await system.actor(counter, "b").add(1)).toBe(ms);
    }
    expect(times()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(waits.isSettled).toBe(false);
  });

  test.each(["bump", "peek"] as const)(
    "does not make a caller of %s wait for more than half of the time that it has",
    async (action) => {
      const started = await startSystem([large], { limits });
      const times = commitTimes(started);
      const ref = started.system.actor(large, "a");
      await ref.bump();
      void quiet(ref.bump(undefined, { deadlineMs: 200 }));
      await started.clock.advance(10);
      expect(times()).toEqual([0]);
      expect(await ref[action](undefined, { deadlineMs: 179 })).toBe(action === "peek" ? 2 : 3);
      expect(times()).toEqual([0, 10]);
    },
  );

  test("fills its mailbox while it rests, and loses nothing that was taken", async () => {
    const started = await startSystem([large], {
      limits: { ...limits, speculationMax: 3, mailboxLengthMax: 2 },
    });
    const ref = started.system.actor(large, "a");
    await ref.bump();
    const calls: Promise<number>[] = [];
    for (let call = 0; call < 5; call++) {
      calls.push(quiet(ref.bump()));
      await settled();
    }
    expect(await failureOf(ref.bump())).toBe("OVERLOADED no");
    await started.clock.advance(200);
    expect(await Promise.all(calls)).toEqual([2, 3, 4, 5, 6]);
  });

  test("is deleted at once, and does not rest after that", async () => {
    const started = await startSystem([large], { limits });
    const times = commitTimes(started);
    const { system } = started;
    await system.actor(large, "a").bump();
    void quiet(system.actor(large, "a").bump());
    await system.stored(large, "a").delete();
    expect(await system.actor(large, "a").bump()).toBe(1);
    expect(times()).toEqual([0, 0, 0]);
  });

  test("does not rest when the system stops", async () => {
    const started = await startSystem([large], { limits: { commitUnitsPerSecond: 1_000 } });
    const { system, clock } = started;
    await system.actor(large, "a").bump();
    const call = system.actor(large, "a").bump();
    const stopping = watched(system.stop());
    await clock.advance(50);
    expect([await call, stopping.isSettled]).toEqual([2, true]);
  });
});

describe("a write-behind actor with a large state", () => {
  test("is written as often as its definition says, however large it is", async () => {
    const started = await startSystem([behind], { limits: { commitUnitsPerSecond: 1_000 } });
    const times = commitTimes(started);
    for (let ms = 0; ms < 1_700; ms += 100) {
      await started.system.actor(behind).bump();
      await started.clock.advance(100);
    }
    expect(times()).toEqual([400, 800, 1_200, 1_600]);
  });

  test("rests before a checkpoint", async () => {
    const started = await startSystem([behind], { limits });
    const times = commitTimes(started);
    const calls: Promise<number>[] = [];
    for (let ms = 0; ms < 200; ms += 10) {
      calls.push(started.system.actor(behind).checkpoint());
      await started.clock.advance(10);
    }
    await started.clock.advance(100);
    expect(times()).toEqual([0, 100, 200]);
    expect((await Promise.all(calls)).at(-1)).toBe(20);
  });

  test("stores a checkpoint right after the write that was under way", async () => {
    const started = await startSystem([behind]);
    const ref = started.system.actor(behind);
    await ref.bump();
    const hold = started.store.hold("commit");
    await started.clock.advance(400);
    const stored = watched(ref.checkpoint());
    await settled();
    hold.release();
    await started.clock.advance(1);
    expect(stored.isSettled).toBe(true);
  });
});

/** Revisions: which are kept, how they are read and restored, and the end of an actor. */
import { describe, expect, test } from "vitest";
import { actor, state } from "spawn-mesh";
import { z } from "zod";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const options = { kind: "unnamed", state: () => ({ n: 0 }), snapshotTimeoutMs: 1_000 } as const;
const actions = {
  set(ctx: { state: { n: number } }, n: number) {
    ctx.state.n = n;
    return n;
  },
};
const kept = actor("kept", { ...options, actions });
const few = actor("few", { ...options, revisionsKept: 3, actions });
const none = actor("none", { ...options, revisionsKept: 0, actions });
const plain = actor("plain", { actions: { hello: () => "hello" } });
const actors = [kept, few, none, plain];

const revisionsOf = async ({ system }: StartedSystem, name = "a"): Promise<readonly number[]> =>
  (await system.stored(kept, name).listRevisions()).map(({ revision }) => revision);

describe("a revision", () => {
  test("is kept when it is superseded and the last kept one is old enough", async () => {
    const life = await startSystem(actors);
    const ref = life.system.actor(kept, "a");
    await ref.set(1);
    expect(await revisionsOf(life)).toEqual([]);
    await ref.set(2);
    expect(await revisionsOf(life)).toEqual([1]);
    await ref.set(3);
    await life.clock.advance(999);
    await ref.set(4);
    expect(await revisionsOf(life)).toEqual([1]);
    await life.clock.advance(1);
    await ref.set(5);
    expect(await revisionsOf(life)).toEqual([4, 1]);
  });

  test("is kept at the next chance when the commit that would have kept it failed", async () => {
    const life = await startSystem(actors);
    const ref = life.system.actor(kept, "a");
    await ref.set(1);
    await ref.set(2);
    await life.clock.advance(1_000);
    life.store.fail("commit", { kind: "capacity" });
    await failureOf(ref.set(3));
    await ref.set(4);
    expect(await revisionsOf(life)).toEqual([2, 1]);
  });

  test("is kept over a restart, and the pace goes on from there", async () => {
    const before = await startSystem(actors);
    await before.system.actor(kept, "a").set(1);
    await before.system.actor(kept, "a").set(2);
    const life = await crashAndRestart(before, actors);
    await life.system.actor(kept, "a").set(3);
    expect(await revisionsOf(life)).toEqual([1]);
    await life.clock.advance(1_000);
    await life.system.actor(kept, "a").set(4);
    expect(await revisionsOf(life)).toEqual([3, 1]);
  });

  test.each([
    ["ten by default", kept, 10],
    ["as many as the definition says", few, 3],
    ["or none", none, 0],
  ])("is one of the last %s", async (_what, definition, count) => {
    const { system, clock } = await startSystem(actors);
    for (let n = 1; n <= 15; n++) {
      await system.actor(definition, "a").set(n);
      await clock.advance(1_000);
    }
    const revisions = await system.stored(definition, "a").listRevisions();
    expect(revisions.map(({ revision }) => revision)).toEqual(
      Array.from({ length: count }, (_, index) => 14 - index),
    );
  });
});

describe("a kept revision", () => {
  async function withHistory(): Promise<StartedSystem> {
    const life = await startSystem(actors);
    for (const n of [10, 20, 30]) {
      await life.system.actor(kept, "a").set(n);
      await life.clock.advance(1_000);
    }
    return life;
  }

  test("can be read, and so can the present one", async () => {
    const { system } = await withHistory();
    const stored = system.stored(kept, "a");
    expect(await Promise.all([1, 2, 3].map((revision) => stored.readRevision(revision)))).toEqual([
      { n: 10 },
      { n: 20 },
      { n: 30 },
    ]);
  });

  test.each([0, -1, 4, 1.5, Number.NaN, Infinity, 2 ** 53])(
    "number %s is not there, and the message says so",
    async (revision) => {
      const { system } = await withHistory();
      for (const call of [
        system.stored(kept, "a").readRevision(revision),
        system.stored(kept, "a").restore(revision),
      ]) {
        const error = await errorOf(call);
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
        expect(error.message).toContain(String(revision));
      }
      expect(await system.actor(kept, "a").get()).toEqual({ n: 30 });
    },
  );

  test("can be restored: the history goes on with a new revision", async () => {
    const { system, clock } = await withHistory();
    await system.stored(kept, "a").restore(1);
    expect(await system.actor(kept, "a").get()).toEqual({ n: 10 });
    expect(await system.stored(kept, "a").readRevision(4)).toEqual({ n: 10 });
    await clock.advance(60_000);
    expect(await system.actor(kept, "a").get()).toEqual({ n: 10 });
  });

  test("is restored in turn, between the calls before and after it", async () => {
    const { system } = await withHistory();
    const ref = system.actor(kept, "a");
    await Promise.all([ref.set(40), system.stored(kept, "a").restore(2)]);
    expect(await ref.get()).toEqual({ n: 20 });
  });

  test("restored with a key is restored once, and another one with the same key is a conflict", async () => {
    const { system } = await withHistory();
    const stored = system.stored(kept, "a");
    await stored.restore(1, { idempotencyKey: "k" });
    await system.actor(kept, "a").set(99);
    await stored.restore(1, { idempotencyKey: "k" });
    expect(await system.actor(kept, "a").get()).toEqual({ n: 99 });
    expect(await failureOf(stored.restore(2, { idempotencyKey: "k" }))).toBe(
      "IDEMPOTENCY_CONFLICT no",
    );
  });

  test("was sent as a message that nobody can carry out when it was to be restored later", async () => {
    const { system } = await withHistory();
    const stored = system.stored(kept, "a");
    const calls = [
      stored.restore(1, { delayMs: 5 }),
      stored.restore(1, { scheduledTo: 5 }),
      stored.delete({ delayMs: 0 }),
      stored.fork("b", { delayMs: 5 }),
    ];
    const outcomes = await Promise.all(calls.map(failureOf));
    expect(outcomes).toEqual(calls.map(() => "INVALID_ARGUMENT no"));
    expect(await system.messages.list()).toEqual([]);
  });

  test("that a migration cannot read is refused by name, and the actor stays as it is", async () => {
    const shape = z.object({ n: z.number() });
    const positive = state(shape, () => ({ n: 1 })).next(shape, ({ n }) => {
      if (n < 0) throw new Error("negative");
      return { n };
    });
    const next = actor("kept", { ...options, state: positive, actions });
    const before = await startSystem(actors);
    await before.system.actor(kept, "a").set(-1);
    await before.system.actor(kept, "a").set(2);
    const { system } = await crashAndRestart(before, [next]);
    const stored = system.stored(next, "a");
    for (const call of [
      stored.readRevision(1),
      stored.restore(1),
      stored.fork("b", { revision: 1 }),
    ]) {
      const error = await errorOf(call);
      expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no", retryable: false });
      expect(error.message).toContain("the migration from version 1 to 2 failed: negative");
    }
    expect(await stored.listRevisions()).toHaveLength(1);
    expect(await system.actor(next, "a").get()).toEqual({ n: 2 });
  });

  test("is restored by a call that was accepted before the system ends", async () => {
    const slow = Promise.withResolvers<void>();
    const busy = actor("kept", {
      ...options,
      actions: { ...actions, wait: () => slow.promise },
    });
    const life = await startSystem([busy]);
    const ref = life.system.actor(busy, "a");
    await ref.set(1);
    await ref.set(2);
    const waiting = ref.wait();
    const restoring = life.system.stored(busy, "a").restore(1);
    await settled();
    const ending = life.system.stop();
    slow.resolve();
    await Promise.all([waiting, restoring]);
    await life.clock.advance(1_000);
    await ending;
    const { system } = await startSystem([busy], { inner: life.inner, clock: life.clock });
    expect(await system.actor(busy, "a").get()).toEqual({ n: 1 });
  });

  test("that the statestore fails to give is an error of the platform", async () => {
    const { system, store } = await withHistory();
    store.fail("history", { kind: "fatal", times: Infinity });
    const stored = system.stored(kept, "a");
    expect(await failureOf(stored.listRevisions())).toBe("STATESTORE_UNAVAILABLE no");
    expect(await failureOf(stored.readRevision(1))).toBe("STATESTORE_UNAVAILABLE no");
    expect(await failureOf(stored.restore(1))).toBe("STATESTORE_UNAVAILABLE no");
  });

  test("is nothing that a stateless actor has", async () => {
    const { system } = await startSystem(actors);
    const stored = system.stored(plain);
    expect(await stored.listRevisions()).toEqual([]);
    expect(await failureOf(stored.restore(1))).toBe("INVALID_ARGUMENT no");
    expect(await failureOf(stored.delete())).toBe("INVALID_ARGUMENT no");
  });
});

describe("delete", () => {
  test("is not undone by a restore that began before it and has its turn afterwards", async () => {
    const life = await startSystem(actors);
    const ref = life.system.actor(kept, "a");
    await ref.set(1);
    await ref.set(2);
    const stored = life.system.stored(kept, "a");
    const hold = life.store.hold("commit");
    const deleting = stored.delete();
    const restoring = failureOf(stored.restore(1));
    await settled();
    hold.release();
    await deleting;
    expect(await restoring).toBe("INVALID_ARGUMENT no");
    expect(await ref.get()).toEqual({ n: 0 });
  });

  test("takes state and history; the next call finds a new actor, also after a restart", async () => {
    const before = await startSystem(actors);
    const ref = before.system.actor(kept, "a");
    await ref.set(1);
    await ref.set(2);
    await before.system.stored(kept, "a").delete();
    expect(await ref.get()).toEqual({ n: 0 });
    expect(await revisionsOf(before)).toEqual([]);
    const life = await crashAndRestart(before, actors);
    expect(await life.system.actor(kept, "a").get()).toEqual({ n: 0 });
    expect(await life.system.actor(kept, "a").set(5)).toBe(5);
  });

  test("does not keep the first revision of the new actor from being kept", async () => {
    const life = await startSystem(actors);
    const ref = life.system.actor(kept, "a");
    await ref.set(1);
    await life.system.stored(kept, "a").delete();
    await ref.set(3);
    await ref.set(4);
    expect(await revisionsOf(life)).toEqual([3]);
    expect(await life.system.stored(kept, "a").readRevision(3)).toEqual({ n: 3 });
  });

  test("comes in its turn: what waits behind it meets the new actor", async () => {
    const { system } = await startSystem(actors);
    const ref = system.actor(kept, "a");
    await ref.set(1);
    const outcomes = await Promise.all([
      ref.set(2),
      system.stored(kept, "a").delete(),
      ref.get(),
      ref.set(3),
    ]);
    expect(outcomes).toEqual([2, undefined, { n: 0 }, 3]);
    expect(await ref.get()).toEqual({ n: 3 });
  });

  test("that cannot be stored leaves the actor as it was", async () => {
    const { system, store } = await startSystem(actors);
    const ref = system.actor(kept, "a");
    await ref.set(1);
    store.fail("commit", { kind: "capacity" });
    const outcomes = [failureOf(system.stored(kept, "a").delete()), ref.get()];
    await settled();
    expect(await Promise.all(outcomes)).toEqual(["STATESTORE_UNAVAILABLE no", { n: 1 }]);
    expect(await ref.set(2)).toBe(2);
  });

  test("of an actor that was never stored is fine", async () => {
    const { system } = await startSystem(actors);
    await system.stored(kept, "new").delete();
    expect(await system.actor(kept, "new").set(1)).toBe(1);
  });

  test("by the actor itself is a cycle, told at once", async () => {
    const suicidal = actor("suicidal", {
      state: () => ({ n: 0 }),
      actions: {
        end: async (ctx): Promise<string> => {
          ctx.state.n++;
          return await failureOf(started.system.stored(suicidal).delete());
        },
      },
    });
    const started = await startSystem([suicidal]);
    expect(await started.system.actor(suicidal).end()).toBe("CYCLE no");
  });
});

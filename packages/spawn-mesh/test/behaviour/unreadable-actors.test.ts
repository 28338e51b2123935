/** Actors that cannot come to life with what is stored of them: how they are deleted, restored, and expire. */
import { describe, expect, test } from "vitest";
import { actor, state } from "spawn-mesh";
import type { AnyActor } from "spawn-mesh";
import { z } from "zod";
import {
  actorNamed,
  apply,
  loadRow,
  nextCommit,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { crashAndRestart, errorOf, failureOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const HOUR_MS = 3_600_000;
const shape = z.object({ n: z.number() });
const first = state(shape, () => ({ n: 0 }));
/** Of the states that were stored with it, negative ones cannot be migrated. */
const second = first.next(shape, ({ n }) => {
  if (n < 0) throw new Error("negative");
  return { n };
});
const options = { kind: "unnamed", snapshotTimeoutMs: 1_000 } as const;
const actions = {
  set(ctx: { state: { n: number }; tags: object }, n: number) {
    ctx.state.n = n;
    ctx.tags = { n: String(n) };
    return n;
  },
};
const before = actor("account", { ...options, state: first, actions });
const now = actor("account", {
  ...options,
  state: second,
  index: ({ n }) => ({ n }),
  expireAfterMs: HOUR_MS,
  actions,
});
const ID = actorNamed("a", "account", "test");

/** A system whose actor "a" has a state that cannot be read, after others that can. */
async function withUnreadable(
  definition: AnyActor = now,
  states: readonly number[] = [7, -1],
): Promise<StartedSystem> {
  const life = await startSystem([before]);
  for (const n of states) {
    await life.clock.advance(1_000);
    await life.system.actor(before, "a").set(n);
  }
  return await crashAndRestart(life, [definition]);
}

describe("an actor whose state cannot be read", () => {
  test("can be deleted, with its history, and the next call finds a new one", async () => {
    const { system, inner } = await withUnreadable();
    const ref = system.actor(now, "a");
    expect(await failureOf(ref.get())).toBe("STATE_CORRUPT no");
    await system.stored(now, "a").delete();
    expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: true, revision: 3 });
    expect(await system.stored(now, "a").listRevisions()).toEqual([]);
    expect(await ref.get()).toEqual({ n: 0 });
    expect(await ref.set(1)).toBe(1);
  });

  test("is restored to a revision that can be read, and goes on from there with its tags", async () => {
    const { system, inner } = await withUnreadable();
    const stored = system.stored(now, "a");
    await stored.restore(1);
    expect(await system.actor(now, "a").get()).toEqual({ n: 7 });
    expect(await loadRow(inner, ID)).toMatchObject({ revision: 3, tags: { n: "-1" } });
    // What could not be read is not lost by that.
    expect((await stored.listRevisions()).map(({ revision }) => revision)).toEqual([2, 1]);
    expect((await system.find(now, { n: 7 })).actors).toMatchObject([{ name: "a" }]);
    expect(await system.actor(now, "a").set(8)).toBe(8);
  });

  test("can still be read as it was at an earlier time", async () => {
    const { system, clock } = await withUnreadable();
    const stored = system.stored(now, "a");
    expect(await stored.readAt(clock.wall() - 1)).toMatchObject({ revision: 1, state: { n: 7 } });
    expect(await failureOf(stored.readAt(clock.wall()))).toBe("STATE_CORRUPT no");
    expect(await failureOf(stored.fork("b"))).toBe("STATE_CORRUPT no");
  });

  test("stays as it is when the revision cannot be read either, or is not kept", async () => {
    const { system, store } = await withUnreadable(now, [-2, -1]);
    const stored = system.stored(now, "a");
    expect(await failureOf(stored.restore(1))).toBe("STATE_CORRUPT no");
    expect(await failureOf(stored.restore(9))).toBe("INVALID_ARGUMENT no");
    expect(store.commits).toEqual([]);
  });

  test("refuses what needs its state, in order, and takes what comes after its end", async () => {
    const { system, store } = await withUnreadable();
    const ref = system.actor(now, "a");
    const hold = store.hold("load");
    const early = errorOf(ref.set(1));
    const keyed = errorOf(ref.set(2, { idempotencyKey: "k" }));
    const deleted = system.stored(now, "a").delete();
    const late = ref.set(3);
    await settled();
    hold.release();
    const refusal = await early;
    expect(refusal).toMatchObject({ code: "STATE_CORRUPT", applied: "no", retryable: false });
    expect(refusal.message).toContain("test/account/a: the migration from version 1 to 2 failed");
    expect(await keyed).toMatchObject({ code: "STATE_CORRUPT", applied: "no" });
    await deleted;
    expect(await late).toBe(3);
    expect(await ref.get()).toEqual({ n: 3 });
  });

  test("is refused and loaded again with each call when nobody deletes it", async () => {
    const { system, store, events } = await withUnreadable();
    const ref = system.actor(now, "a");
    for (let call = 0; call < 3; call++) {
      expect(await failureOf(ref.set(1))).toBe("STATE_CORRUPT no");
      await settled();
    }
    expect(store.loadCount).toBe(3);
    expect(store.commits).toEqual([]);
    expect(events.filter(({ type }) => type === "deactivated")).toHaveLength(3);
    expect(events.filter(({ type }) => type === "activated")).toEqual([]);
  });

  test("is deleted once, when an answer is lost and when the call is repeated with its key", async () => {
    const { system, store, clock, inner } = await withUnreadable();
    store.fail("commit", { kind: "ambiguous", isApplied: true });
    const deleted = system.stored(now, "a").delete({ idempotencyKey: "forget" });
    await settled();
    await clock.advance(1_000);
    await deleted;
    expect(store.commits).toHaveLength(2);
    await system.actor(now, "a").set(1);
    await system.stored(now, "a").delete({ idempotencyKey: "forget" });
    expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: false, revision: 4 });
  });

  test("is not deleted when the statestore does not take it, and can be afterwards", async () => {
    const { system, store, inner } = await withUnreadable();
    const stored = system.stored(now, "a");
    for (const kind of ["capacity", "rows"] as const) {
      store.fail("commit", { kind });
      const call = stored.delete();
      const behind = errorOf(system.actor(now, "a").set(1));
      expect((await errorOf(call)).applied).toBe("no");
      expect(await behind).toMatchObject({ code: "STATE_CORRUPT", applied: "no" });
      expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: false, revision: 2 });
    }
    await stored.delete();
    expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: true });
  });

  test("that another process has repaired meanwhile is found by the delete as it is then", async () => {
    const life = await withUnreadable();
    const hold = life.store.hold("commit");
    const deleted = life.system.stored(now, "a").delete();
    await settled();
    const row = await loadRow(life.inner, ID);
    await life.inner.open({ owner: "another process" });
    await apply(life.inner, nextCommit(ID, row, { state: '{"n":9}', stateVersion: 2 }));
    hold.release();
    await deleted;
    expect(await loadRow(life.inner, ID)).toMatchObject({ isDeleted: true, revision: 4 });
    expect(life.events).toContainEqual(expect.objectContaining({ type: "fenced" }));
  });

  test("is purged with the others, and only if it has not changed", async () => {
    const life = await withUnreadable();
    const { system } = life;
    await system.actor(now, "b").set(1);
    const dry = await system.actors.purge(now, { dryRun: true });
    expect(dry).toMatchObject({ found: 2, ok: 0, failed: 0 });
    expect(await system.actors.purge(now, {})).toMatchObject({ found: 2, ok: 2, failed: 0 });
    expect((await system.actors.list({ definition: "account" })).actors).toEqual([]);
  });

  test("expires like any other", async () => {
    const { system, clock, events, inner } = await withUnreadable();
    await clock.advance(HOUR_MS - 60_000);
    expect(await failureOf(system.actor(now, "a").get())).toBe("STATE_CORRUPT no");
    expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: false });
    for (let minute = 0; minute < 3; minute++) {
      await clock.advance(60_000);
      await settled();
    }
    expect(events).toContainEqual({ type: "expired", actor: ID });
    expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: true });
  });

  test("is restored in the statestore when the answer comes, also when its definition writes behind", async () => {
    const behind = actor("account", {
      ...options,
      state: second,
      durability: "write-behind",
      actions,
    });
    const { system, inner } = await withUnreadable(behind);
    await system.stored(behind, "a").restore(1);
    expect(await loadRow(inner, ID)).toMatchObject({ revision: 3, state: '{"n":7}' });
    expect(await system.actor(behind, "a").get()).toEqual({ n: 7 });
  });
});

describe("an actor whose init throws", () => {
  const broken = actor("account", {
    ...options,
    state: first,
    init: (ctx) => {
      if (ctx.state.n < 0) throw new Error("never below 0");
    },
    actions,
  });

  test("can be deleted or restored like one whose state cannot be read", async () => {
    const { system, inner } = await withUnreadable(broken);
    expect(await failureOf(system.actor(broken, "a").get())).toBe("ACTION_FAILED no");
    await system.stored(broken, "a").restore(1);
    expect(await system.actor(broken, "a").get()).toEqual({ n: 7 });
    await system.actor(broken, "a").set(-3);
    await system.actors.purge(broken, {});
    expect(await loadRow(inner, ID)).toMatchObject({ isDeleted: true, revision: 5 });
  });

  test("but has never been stored has nothing to delete", async () => {
    const newborn = actor("account", {
      ...options,
      state: first,
      init: () => {
        throw new Error("never");
      },
      actions,
    });
    const { system, store } = await startSystem([newborn]);
    expect(await failureOf(system.stored(newborn, "a").delete())).toBe("ACTION_FAILED no");
    expect(store.commits).toEqual([]);
  });
});

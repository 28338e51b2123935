/** Acting on many actors, deleting many, and deleting those whose time is over. */
import { describe, expect, test } from "vitest";
import { actor, isSpawnError } from "spawn-mesh";
import type { ManyProgress } from "spawn-mesh";
import { crashAndRestart, errorOf, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const account = actor("account", {
  kind: "unnamed",
  state: () => ({ sum: 0 }),
  index: ({ sum }) => ({ sum }),
  actions: {
    add(ctx, by: number) {
      ctx.state.sum += by;
      ctx.tags = { parity: ctx.state.sum % 2 === 0 ? "even" : "odd" };
    },
    check(ctx) {
      if (ctx.state.sum === 3) throw new Error("three");
      return ctx.state.sum;
    },
  },
});

async function withAccounts(count: number): Promise<StartedSystem> {
  const started = await startSystem([account]);
  for (let sum = 0; sum < count; sum++) await started.system.actor(account, `a${sum}`).add(sum);
  return started;
}

describe("acting on many actors", () => {
  test("calls an action on each that is meant, and counts", async () => {
    const { system } = await withAccounts(250);
    const progress: ManyProgress[] = [];
    const result = await system.actors.forEach(account, (ref) => ref.check(), {
      tags: { parity: "odd" },
      onProgress: (done) => progress.push(done),
    });
    expect(result).toMatchObject({ found: 125, ok: 124, skipped: 0, failed: 1 });
    expect(result.failures).toMatchObject([{ actor: { name: "a3" } }]);
    expect(isSpawnError(result.failures[0]!.error)).toBe(true);
    expect(progress).toHaveLength(125);
    expect(progress.at(-1)).toEqual({ found: 125, ok: 124, skipped: 0, failed: 1 });
  });

  test("acts once on each, although that changes what they are found by", async () => {
    const { system } = await withAccounts(150);
    const act = (ref: { add(by: number): Promise<unknown> }): Promise<unknown> => ref.add(1_000);
    const options = { where: { sum: { from: 0 } }, limit: 500 };
    expect(await system.actors.forEach(account, act, options)).toMatchObject({ found: 150 });
    expect((await system.find(account, { sum: { from: 2_000 } })).actors).toEqual([]);
  });

  test("has no more of them under way than it was told, and stops at the limit", async () => {
    const { system } = await withAccounts(50);
    let underWay = 0;
    let most = 0;
    const act = async (): Promise<void> => {
      most = Math.max(most, ++underWay);
      await settled();
      underWay--;
    };
    const options = { concurrency: 7, limit: 30 };
    const result = await system.actors.forEach(account, act, options);
    expect(result).toMatchObject({ found: 30, ok: 30 });
    expect(most).toBe(7);
  });

  test("finds those to act on by their index", async () => {
    const { system } = await withAccounts(20);
    const seen: string[] = [];
    const where = { sum: { from: 5, below: 8 } };
    await system.actors.forEach(account, (_, { name }) => void seen.push(name), {
      where,
      concurrency: 1,
    });
    expect(seen).toEqual(["a5", "a6", "a7"]);
  });

  test("ends when it is told to, and when the statestore cannot be asked", async () => {
    const { system, store } = await withAccounts(50);
    const abort = new AbortController();
    let acted = 0;
    const act = (): void => {
      if (++acted === 5) abort.abort(new Error("enough"));
    };
    const { signal } = abort;
    await expect(system.actors.forEach(account, act, { signal, concurrency: 1 })).rejects.toThrow(
      "enough",
    );
    expect(acted).toBe(5);
    store.fail("queries", { kind: "fatal" });
    await expect(system.actors.forEach(account, act)).rejects.toMatchObject({
      code: "STATESTORE_UNAVAILABLE",
    });
  });

  test.each([
    [{ concurrency: 0 }],
    [{ concurrency: 257 }],
    [{ limit: 0 }],
    [{ parallel: 3 } as object],
  ])("refuses %j", async (options) => {
    const { system } = await withAccounts(1);
    const acting = system.actors.forEach(account, () => undefined, options);
    await expect(acting).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("deleting many actors", () => {
  test("counts them first without deleting any, and then deletes with a limit", async () => {
    const { system } = await withAccounts(40);
    const odd = { tags: { parity: "odd" } };
    const dry = await system.actors.purge(account, { ...odd, dryRun: true });
    expect(dry).toMatchObject({ found: 20, ok: 0, skipped: 20, failed: 0 });
    expect(await system.actor(account, "a1").get()).toEqual({ sum: 1 });
    const some = await system.actors.purge(account, { ...odd, limit: 5 });
    expect(some).toMatchObject({ found: 5, ok: 5 });
    const rest = await system.actors.purge(account, odd);
    expect(rest).toMatchObject({ found: 15, ok: 15 });
    const { actors } = await system.actors.list({ definition: "account" });
    expect(actors).toHaveLength(20);
    expect(await system.actor(account, "a1").get()).toEqual({ sum: 0 });
  });

  test.each([
    [{ where: {} }, "where says nothing"],
    [{ tags: {} }, "tags says nothing"],
    [{ changedBefore: undefined }, "changedBefore says nothing"],
    [undefined, "or {} for all of them"],
  ])("is refused for %j, which would mean all of them", async (options, reason) => {
    const { system } = await withAccounts(2);
    const error = await errorOf(system.actors.purge(account, options as object));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", applied: "no" });
    expect(error.message).toContain(reason);
    expect((await system.actors.list()).actors).toHaveLength(2);
  });

  test("leaves those alone that have changed since they were found", async () => {
    const { system, store } = await withAccounts(3);
    const hold = store.hold("queries", { isApplied: true });
    const purging = system.actors.purge(account, {});
    await settled();
    await system.actor(account, "a1").add(1);
    hold.release();
    expect(await purging).toMatchObject({ found: 3, ok: 2, skipped: 1, failed: 0 });
    expect(await system.actor(account, "a1").get()).toEqual({ sum: 2 });
  });

  test("leaves one alone whose change is not committed yet", async () => {
    const { system, store, clock } = await withAccounts(1);
    const hold = store.hold("commit");
    const purging = system.actors.purge(account, {});
    const adding = system.actor(account, "a0").add(7);
    await settled();
    hold.release();
    await clock.advance(10);
    expect(await purging).toMatchObject({ found: 1, ok: 0, skipped: 1 });
    await adding;
    expect(await system.actor(account, "a0").get()).toEqual({ sum: 7 });
  });

  test("leaves one alone whose change is about to be committed", async () => {
    const started = await withAccounts(1);
    const { system, store, clock } = await crashAndRestart(started, [account]);
    const hold = store.hold("load");
    const adding = system.actor(account, "a0").add(7);
    const purging = system.actors.purge(account, {});
    await settled();
    hold.release();
    await clock.advance(10);
    expect(await purging).toMatchObject({ found: 1, ok: 0, skipped: 1 });
    await adding;
    expect(await system.actor(account, "a0").get()).toEqual({ sum: 7 });
  });

  test("leaves one alone of which something other than its state is about to be committed", async () => {
    const started = await withAccounts(1);
    const { system, store, clock } = await crashAndRestart(started, [account]);
    const hold = store.hold("load");
    const adding = system.actor(account, "a0").add(0, { idempotencyKey: "nothing" });
    const purging = system.actors.purge(account, {});
    await settled();
    hold.release();
    await clock.advance(10);
    expect(await purging).toMatchObject({ found: 1, ok: 0, skipped: 1 });
    await adding;
    expect((await system.actors.list()).actors).toHaveLength(1);
  });

  test("deletes none that another process has changed meanwhile", async () => {
    const { system, store, inner, clock } = await withAccounts(1);
    const hold = store.hold("commit");
    const purging = system.actors.purge(account, {});
    await settled();
    await inner.open({ owner: "another program" });
    const id = { system: "test", definition: "account", name: "a0" };
    const [answer] = await inner.load([{ actor: id, row: true, keys: [], messages: [] }]);
    const { handle, etag, ...row } = answer!.row!;
    const none = { replies: [], consumes: [], cancels: [], sends: [] };
    const changed = { ...none, isDelete: false, revisionsKept: 0, state: '{"sum":7}' };
    const next = {
      ...row,
      ...changed,
      actor: id,
      handle,
      previous: etag,
      etag: "another program ",
    };
    expect(await inner.commit([{ ...next, revision: row.revision + 1 }])).toEqual([handle]);
    hold.release();
    await clock.advance(10);
    expect(await purging).toMatchObject({ found: 1, ok: 0, skipped: 1 });
    expect(await system.actor(account, "a0").get()).toEqual({ sum: 7 });
  });
});

describe("an actor that expires", () => {
  const session = actor("session", {
    kind: "unnamed",
    state: () => ({ visits: 0 }),
    index: ({ visits }) => ({ visits }),
    expireAfterMs: HOUR_MS,
    revisionsKept: 5,
    snapshotTimeoutMs: 1,
    actions: {
      visit: (ctx) => ++ctx.state.visits,
      remind(ctx) {
        ctx.effect(session, ctx.self.name).visit(undefined, { delayMs: 3 * HOUR_MS });
      },
    },
  });

  test("is deleted with all that is stored of it when nothing was committed for so long", async () => {
    const { system, clock, events } = await startSystem([session, account]);
    const one = system.actor(session, "one");
    for (let visit = 0; visit < 3; visit++) {
      await one.visit();
      await clock.advance(10);
    }
    await system.actor(account, "kept").add(1);
    await clock.advance(HOUR_MS - MINUTE_MS);
    expect(await one.get()).toEqual({ visits: 3 });
    await clock.advance(2 * MINUTE_MS);
    expect(await system.stored(session, "one").listRevisions()).toEqual([]);
    expect((await system.find(session, { visits: 3 })).actors).toEqual([]);
    expect((await system.actors.list()).actors.map(({ name }) => name)).toEqual(["kept"]);
    expect(await one.visit()).toBe(1);
    expect(events.filter(({ type }) => type === "expired")).toEqual([
      { type: "expired", actor: { system: "test", definition: "session", name: "one" } },
    ]);
  });

  test("stays while it changes, however often it is only read", async () => {
    const { system, clock } = await startSystem([session]);
    const [used, read] = [system.actor(session, "used"), system.actor(session, "read")];
    await used.visit();
    await read.visit();
    for (let part = 0; part < 6; part++) {
      await clock.advance(HOUR_MS / 2);
      await used.visit();
      if (part < 1) await read.get();
    }
    expect(await used.get()).toEqual({ visits: 7 });
    expect(await read.get()).toEqual({ visits: 0 });
  });

  test("is not deleted when it was committed while it was being found", async () => {
    const { system, clock, store } = await startSystem([session]);
    await system.actor(session, "one").visit();
    await clock.advance(HOUR_MS + 1);
    const hold = store.hold("queries", { isApplied: true });
    await clock.advance(MINUTE_MS);
    expect(hold.waiting).toBe(1);
    await system.actor(session, "one").visit();
    hold.release();
    await clock.advance(10);
    expect(await system.actor(session, "one").get()).toEqual({ visits: 2 });
  });

  test("goes one after the other, a bounded number in a second", async () => {
    const { system, clock } = await startSystem([session]);
    for (let at = 0; at < 450; at++) await system.actor(session, `s${at}`).visit();
    await clock.advance(HOUR_MS + MINUTE_MS + 100);
    const left = async (): Promise<number> => {
      let count = 0;
      for await (const found of system.actors.all(session)) count += found.revision > 0 ? 1 : 0;
      return count;
    };
    expect(await left()).toBe(250);
    await clock.advance(1_000);
    expect(await left()).toBe(50);
    await clock.advance(1_000);
    expect(await left()).toBe(0);
  });

  test("expires in the next life of the system too, after the statestore failed", async () => {
    const started = await startSystem([session]);
    await started.system.actor(session, "one").visit();
    await started.clock.advance(HOUR_MS / 2);
    const { system, clock, store } = await crashAndRestart(started, [session]);
    store.fail("queries", { kind: "retry", times: 2 });
    await clock.advance(HOUR_MS);
    expect((await system.actors.list({ definition: "session" })).actors).toEqual([]);
  });

  test("goes in the same round although those of another definition cannot be listed", async () => {
    const other = actor("other", {
      kind: "unnamed",
      state: () => ({ visits: 0 }),
      expireAfterMs: HOUR_MS,
      actions: { visit: (ctx) => ++ctx.state.visits },
    });
    const { system, clock, store, events } = await startSystem([other, session]);
    await system.actor(other, "one").visit();
    await system.actor(session, "one").visit();
    await clock.advance(HOUR_MS - 1);
    store.fail("queries", { kind: "fatal" });
    await clock.advance(MINUTE_MS + 2_000);
    const left = await system.actors.list();
    expect(left.actors.map(({ definition }) => definition)).toEqual(["other"]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "store-failed", operation: "expire" }),
    );
    await clock.advance(MINUTE_MS);
    expect((await system.actors.list()).actors).toEqual([]);
  });

  test("leaves messages to it that wait: they find a new actor", async () => {
    const { system, clock } = await startSystem([session]);
    await system.actor(session, "one").remind();
    await clock.advance(2 * HOUR_MS);
    expect((await system.actors.list({ definition: "session" })).actors).toEqual([]);
    await clock.advance(HOUR_MS + 1_000);
    expect(await system.actor(session, "one").get()).toEqual({ visits: 1 });
  });
});

describe("revisions", () => {
  test("go when they were superseded for long enough, but for the one that was the state then", async () => {
    const aged = actor("aged", {
      state: () => ({ n: 0 }),
      revisionsKept: 100,
      revisionsKeptMs: HOUR_MS,
      snapshotTimeoutMs: 1,
      actions: { add: (ctx) => ++ctx.state.n },
    });
    const { system, clock } = await startSystem([aged]);
    const kept = async (): Promise<readonly number[]> =>
      (await system.stored(aged).listRevisions()).map(({ revision }) => revision);
    for (let n = 0; n < 5; n++) {
      await system.actor(aged).add();
      await clock.advance(HOUR_MS / 2);
    }
    expect(await kept()).toEqual([4, 3]);
  });
});

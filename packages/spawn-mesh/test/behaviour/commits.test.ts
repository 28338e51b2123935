/** Durable means committed: when replies leave, how many commits it takes, and what failures mean. */
import { describe, expect, test } from "vitest";
import { actor, type Statestore } from "spawn-mesh";
import {
  actorNamed,
  apply,
  loadRow,
  nextCommit,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { counter } from "./counter.ts";
import {
  crashAndRestart,
  errorOf,
  failureOf,
  settled,
  startSystem,
  watched,
} from "./start-system.ts";

describe("a durable reply", () => {
  test("leaves after its commit, and not before", async () => {
    const { system, store } = await startSystem([counter]);
    const hold = store.hold("commit");
    const call = watched(system.actor(counter, "a").add(1));
    await settled();
    expect([call.isSettled, store.groups.length]).toEqual([false, 1]);
    hold.release();
    expect(await call.promise).toBe(1);
  });

  test("means that a kill at any later moment finds the change", async () => {
    const before = await startSystem([counter]);
    for (let n = 1; n <= 5; n++) await before.system.actor(counter, "a").add(1);
    before.store.hold("commit");
    const lost = failureOf(before.system.actor(counter, "a").add(100));
    await settled();
    const life = await crashAndRestart(before, [counter]);
    expect(await lost).toBe("UNKNOWN_OUTCOME unknown");
    expect(await life.system.actor(counter, "a").peek()).toBe(5);
  });

  test("needs no commit when nothing has changed", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    expect(await Promise.all([ref.add(0), ref.add(0)])).toEqual([1, 1]);
    expect(store.groups).toHaveLength(1);
  });
});

describe("commits", () => {
  test("are told of in groups, with how many there were and how long they took", async () => {
    const { system, store, clock, events } = await startSystem([counter]);
    const hold = store.hold("commit");
    const calls = ["a", "b", "c"].map((name) => system.actor(counter, name).add(1));
    await settled();
    await clock.advance(7);
    hold.release();
    await Promise.all(calls);
    const told = events.filter(({ type }) => type === "committed");
    expect(told).toEqual([{ type: "committed", commits: 3, durationMs: 7 }]);
  });

  test("of one actor are one in flight, however many actions run meanwhile", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    const hold = store.hold("commit");
    const calls = Array.from({ length: 64 }, () => ref.add(1));
    await settled();
    const late = Array.from({ length: 64 }, () => ref.add(1));
    await settled();
    expect([store.groups.length, hold.waiting]).toEqual([1, 1]);
    hold.release();
    expect((await Promise.all([...calls, ...late])).at(-1)).toBe(128);
    expect(store.commits.map(({ revision }) => revision)).toEqual([1, 2]);
  });

  test("are few for 64 calls in flight that go on and on", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        for (let round = 0; round < 10; round++) await ref.add(1);
      }),
    );
    expect(await ref.peek()).toBe(640);
    expect(store.commits.length).toBeLessThanOrEqual(20);
  });

  test("make a chain: each on the etag of the one before it", async () => {
    const { system, store } = await startSystem([counter]);
    for (let n = 0; n < 5; n++) await system.actor(counter, "a").add(1);
    const { commits } = store;
    expect(commits.map(({ previous }) => previous)).toEqual([
      undefined,
      ...commits.slice(0, -1).map(({ etag }) => etag),
    ]);
    expect(new Set(commits.map(({ etag }) => etag)).size).toBe(5);
    expect(commits.every(({ etag }) => etag.length === 16)).toBe(true);
  });

  test("of many actors go in groups", async () => {
    const { system, store } = await startSystem([counter]);
    const refs = Array.from({ length: 200 }, (_, index) => system.actor(counter, `c${index}`));
    await Promise.all(refs.map((ref) => ref.add(1)));
    expect(store.commits).toHaveLength(200);
    expect(store.groups.length).toBeLessThanOrEqual(5);
    expect(store.loadCount).toBeLessThanOrEqual(5);
  });

  test("of a group fail alone: the row that cannot be stored takes no other with it", async () => {
    const { system, store, clock } = await startSystem([counter]);
    await Promise.all(["a", "b", "c"].map((name) => system.actor(counter, name).get()));
    store.fail("commit", { kind: "rows", rows: [1] });
    const calls = ["a", "b", "c"].map((name) =>
      system
        .actor(counter, name)
        .add(1)
        .catch((error: { code: string; applied: string }) => [error.code, error.applied]),
    );
    await settled();
    await clock.advance(100);
    const outcomes = await Promise.all(calls);
    expect(outcomes).toEqual([1, ["PAYLOAD_TOO_LARGE", "no"], 1]);
    expect(await system.actor(counter, "b").add(1)).toBe(1);
  });
});

describe("a statestore that fails", () => {
  test("for a moment is tried again, and nobody notices", async () => {
    const { system, store, clock } = await startSystem([counter]);
    store.fail("load", { times: 3 });
    const call = system.actor(counter, "a").add(1);
    await clock.advance(1_000);
    expect(await call).toBe(1);
    store.fail("commit", { times: 3 });
    const next = system.actor(counter, "a").add(1);
    await settled();
    await clock.advance(1_000);
    expect(await next).toBe(2);
  });

  test("for too long is said so, and nothing was applied", async () => {
    const { system, store, clock } = await startSystem([counter]);
    await system.actor(counter, "a").add(1);
    store.fail("commit", { times: Infinity });
    const call = errorOf(system.actor(counter, "a").add(1));
    await settled();
    await clock.advance(10_000);
    expect(await call).toMatchObject({
      code: "STATESTORE_UNAVAILABLE",
      applied: "no",
      retryable: true,
    });
    store.heal();
    expect(await system.actor(counter, "a").add(1)).toBe(2);
  });

  test("tells with its next commit that it stores again, once", async () => {
    const { system, store, clock, events } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    store.fail("commit", { times: Infinity });
    const call = failureOf(ref.add(1));
    await settled();
    await clock.advance(10_000);
    expect(await call).toBe("STATESTORE_UNAVAILABLE no");
    const told = () => events.filter(({ type }) => type === "store-recovered");
    expect(told()).toEqual([]);
    store.heal();
    await ref.add(1);
    await ref.add(1);
    expect(told()).toEqual([{ type: "store-recovered", awayMs: 10_000 }]);
  });

  test("to load never makes a new state", async () => {
    const { system, store, clock } = await startSystem([counter]);
    await system.actor(counter, "a").add(7);
    await clock.advance(60_000);
    store.fail("load", { kind: "fatal", times: Infinity });
    expect(await failureOf(system.actor(counter, "a").add(1))).toBe("STATESTORE_UNAVAILABLE no");
    store.heal();
    expect(await system.actor(counter, "a").add(1)).toBe(8);
  });

  test.each([true, false])(
    "to answer a commit (applied: %s) is asked again until the outcome is certain",
    async (isApplied) => {
      const { system, store, clock } = await startSystem([counter]);
      const ref = system.actor(counter, "a");
      await ref.add(1);
      store.fail("commit", { kind: "ambiguous", isApplied, times: 3 });
      const calls = Promise.all([ref.add(1), ref.add(1)]);
      await settled();
      await clock.advance(1_000);
      expect(await calls).toEqual([2, 3]);
      expect(await ref.peek()).toBe(3);
    },
  );

  test("to answer for too long leaves the outcome unknown, and the actor goes on from the row", async () => {
    const { system, store, clock } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    store.fail("commit", { kind: "ambiguous", isApplied: true, times: Infinity });
    const call = failureOf(ref.add(1, { deadlineMs: 120_000 }));
    await settled();
    await clock.advance(60_000);
    expect(await call).toBe("UNKNOWN_OUTCOME unknown");
    store.heal();
    expect(await ref.add(1)).toBe(3);
  });

  test("takes along nothing that ran on top: it runs again on what is stored", async () => {
    const { system, store } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    const hold = store.hold("commit");
    store.fail("commit", { kind: "capacity" });
    const first = failureOf(ref.add(10));
    await settled();
    const onTop = [ref.add(100), ref.peek()];
    await settled();
    hold.release();
    expect([await first, ...(await Promise.all(onTop))]).toEqual([
      "STATESTORE_UNAVAILABLE no",
      101,
      101,
    ]);
  });
});

const endless = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
    never: () => new Promise<void>(() => undefined),
  },
});

describe("another process on the same statestore", () => {
  test("fences: the actor starts again from the row, and nothing is overwritten", async () => {
    const { system, inner, events } = await startSystem([counter]);
    const ref = system.actor(counter, "a");
    await ref.add(1);
    await commitAsAnother(inner);
    expect(await Promise.all([ref.add(1), ref.peek()])).toEqual([1_001, 1_001]);
    expect(events.map(({ type }) => type)).toContain("fenced");
  });

  test.each([
    ["no key", {}, "no"],
    ["a key, which the other process may have seen", { idempotencyKey: "k" }, "unknown"],
  ])("ends an action that is under way; applied, with %s: %s", async (_what, options, applied) => {
    const { system, store, inner } = await startSystem([endless]);
    const ref = system.actor(endless, "a");
    await ref.add(1);
    const hold = store.hold("commit");
    const change = ref.add(1);
    await settled();
    const running = failureOf(ref.never(undefined, options));
    await settled();
    await commitAsAnother(inner);
    hold.release();
    expect(await change).toBe(1_001);
    expect(await running).toBe(`STATESTORE_UNAVAILABLE ${applied}`);
  });
});

/** Commits as another incarnation would: on the row's own etag. */
async function commitAsAnother(store: Statestore): Promise<void> {
  const actor = actorNamed("a", "counter", "test");
  await store.open({ owner: "another process" });
  const state = '{"total":1000}';
  await apply(store, nextCommit(actor, await loadRow(store, actor), { state }));
}

/** A dry run of migrations: what today's program would make of what is stored. */
import { z } from "zod";
import { describe, expect, test } from "vitest";
import { actor, state } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import type { Statestore, StoreSession } from "spawn-mesh/engine";
import { errorOf, failureOf, makeSystem, settled, startSystem } from "./start-system.ts";

const versionOne = state(z.object({ n: z.number() }), () => ({ n: 0 }));
const versionTwo = state(z.object({ n: z.number() }), () => ({ n: 0 })).next(
  z.object({ count: z.number().max(100) }),
  ({ n }) => {
    if (n === 13) throw new Error("an unlucky number");
    return { count: n };
  },
);

const old = actor("tally", {
  kind: "unnamed",
  state: versionOne,
  actions: {
    set(ctx, n: number) {
      ctx.state.n = n;
    },
  },
});
const today = actor("tally", {
  kind: "unnamed",
  state: versionTwo,
  actions: {
    set(ctx, count: number) {
      ctx.state.count = count;
    },
  },
});
const single = actor("single", {
  state: () => ({ n: 0 }),
  actions: { set: (ctx, n: number) => void (ctx.state.n = n) },
});
const plain = actor("plain", { actions: { hello: () => "hello" } });

/** States of version 1 with these numbers, and one of another definition. */
async function storedNumbers(numbers: readonly number[]): Promise<Statestore> {
  const { system, inner } = await startSystem([old, single]);
  await Promise.all(numbers.map((n) => system.actor(old, `t${n}`).set(n)));
  await system.actor(single).set(1);
  await system.stored(old, "t1").delete();
  await system.stop();
  return inner;
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

describe("a check of migrations", () => {
  test("counts states by version, tells what fails and why, and writes nothing", async () => {
    const inner = await storedNumbers([...upTo(120), 500]);
    const life = await startSystem([today, single, plain], { inner });
    await life.system.actor(today, "new").set(7);
    const commits = life.store.commits.length;
    const progress: number[] = [];
    const check = await life.system.checkMigrations({
      onProgress: ({ seen }) => void progress.push(seen),
    });
    expect(check.definitions).toEqual([
      { definition: "tally", version: 2, versions: { 1: 119, 2: 1 } },
      { definition: "single", version: 1, versions: { 1: 1 } },
    ]);
    expect(check).toMatchObject({ seen: 121, failed: 21 });
    const reasons = new Map(check.failures.map(({ actor: of, reason }) => [of.name, reason]));
    expect(reasons.get("t13")).toContain("from version 1 to 2 failed: an unlucky number");
    expect(reasons.get("t101")).toContain("migration from version 1 to 2");
    expect([...reasons.keys()]).toContain("t500");
    expect(check.failures[0]).toMatchObject({ version: 1 });
    expect(progress).toEqual([50, 100, 120, 121]);
    expect(life.store.commits.length).toBe(commits);
    expect(life.events.filter(({ type }) => type === "activated")).toHaveLength(1);
    const [{ row } = { row: undefined }] = await inner.load([
      {
        actor: { system: "test", definition: "tally", name: "t2" },
        row: true,
        keys: [],
        messages: [],
      },
    ]);
    expect(row).toMatchObject({ stateVersion: 1, state: '{"n":2}' });
  });

  test("can be made before the start, when nothing of the system works", async () => {
    const inner = await storedNumbers([2, 13]);
    const life = makeSystem([today], { inner });
    expect(await life.system.checkMigrations()).toMatchObject({ seen: 2, failed: 1 });
    expect(await failureOf(life.system.actor(today, "t2").set(1))).toBe("INVALID_ARGUMENT no");
    const checking = life.system.checkMigrations();
    await life.system.start();
    await checking;
    await life.system.actor(today, "t2").set(1);
    expect((await life.system.checkMigrations()).definitions[0]?.versions).toEqual({ 1: 1, 2: 1 });
  });

  test("can be made before the start several times at once, and the system starts after the last", async () => {
    const inner = await storedNumbers([2, 13]);
    const life = makeSystem([today], { inner });
    let opened = 0;
    const open = life.store.open.bind(life.store);
    const close = life.store.close.bind(life.store);
    Object.assign(life.store, {
      async open(session: StoreSession) {
        expect(++opened).toBe(1);
        await open(session);
      },
      async close() {
        opened--;
        await close();
      },
    });
    const checks = [1, 2, 3].map(() => life.system.checkMigrations());
    const starting = life.system.start();
    checks.push(life.system.checkMigrations());
    await starting;
    for (const check of checks) expect(await check).toMatchObject({ seen: 2, failed: 1 });
    await life.system.actor(today, "t2").set(1);
  });

  test("may be of some definitions only", async () => {
    const { system } = await startSystem([today, single, plain], {
      inner: await storedNumbers([2]),
    });
    expect(await system.checkMigrations({ definitions: ["single"] })).toMatchObject({ seen: 1 });
    expect(await failureOf(system.checkMigrations({ definitions: ["plain"] }))).toBe(
      "INVALID_ARGUMENT no",
    );
    expect(await failureOf(system.checkMigrations({ definitions: ["none"] }))).toBe(
      "ACTOR_NOT_FOUND no",
    );
  });

  test("finds states of a newer program, and results that cannot be stored", async () => {
    const { system, inner } = await startSystem([today]);
    await system.actor(today, "a").set(1);
    await system.stop();
    const before = await startSystem([old], { inner });
    const check = await before.system.checkMigrations();
    expect(check.failures[0]?.reason).toContain("run a newer one");
    await before.system.stop();
    const odd = actor("tally", {
      kind: "unnamed",
      state: state(z.any(), () => 0)
        .next(z.any(), () => 1)
        .next(z.any(), () => new Map()),
      actions: {},
    });
    const later = await startSystem([odd], { inner });
    const [failure] = (await later.system.checkMigrations()).failures;
    expect(failure?.reason).toContain("state");
  });

  test("lists the first hundred failures and counts all", async () => {
    const inner = await storedNumbers(upTo(200).map((n) => n + 101));
    const { system } = await startSystem([today], { inner });
    const { failures, failed, seen } = await system.checkMigrations();
    expect([failures.length, failed, seen]).toEqual([100, 200, 200]);
  });

  test("tells of a damaged row and goes on with the others", async () => {
    const inner = await storedNumbers([2, 3, 4]);
    const { store, system } = await startSystem([today], { inner });
    const load = store.load.bind(store);
    store.load = async (queries) => {
      if (queries.some(({ actor: of }) => of.name === "t3")) {
        throw Object.assign(await errorOf(system.checkMigrations({ definitions: ["none"] })), {
          code: "STATE_CORRUPT",
        });
      }
      return await load(queries);
    };
    const check = await system.checkMigrations();
    expect(check).toMatchObject({ seen: 3, failed: 1 });
    expect(check.failures[0]).toMatchObject({ actor: { name: "t3" }, version: undefined });
  });

  test("ends when its signal is aborted, the system stops, or the statestore fails", async () => {
    const inner = await storedNumbers(upTo(120));
    const life = await startSystem([today], { inner });
    const abort = new AbortController();
    const aborted = life.system.checkMigrations({
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("enough")),
    });
    await expect(aborted).rejects.toThrow("enough");
    life.store.fail("load", { kind: "retry" });
    expect(await failureOf(life.system.checkMigrations())).toBe("STATESTORE_UNAVAILABLE no");
    const hold = life.store.hold("load");
    const checking = failureOf(life.system.checkMigrations());
    await settled();
    await life.system.stop();
    hold.release();
    expect(await checking).toMatch(/SHUTTING_DOWN|STATESTORE_UNAVAILABLE/);
    expect(await failureOf(life.system.checkMigrations())).toBe("SHUTTING_DOWN no");
  });

  test("needs a statestore that opens", async () => {
    const life = makeSystem([today], { inner: memoryStatestore() });
    life.store.fail("open", { kind: "fatal" });
    await expect(life.system.checkMigrations()).rejects.toThrow("injected");
    await life.system.start();
  });
});

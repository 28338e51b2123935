/** Keys are changed while the system works, on a real file: nothing is lost, nothing is left behind. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { actor, actorSystem } from "spawn-mesh";
import type { ActorSystem, Encryption, ReencryptionProgress } from "spawn-mesh";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { errorOf } from "../behaviour/start-system.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-rotation-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ACTORS = 3_000;
const CALLED = 200;
const PARKED = 20;
const FAST = { rowsPerSecondMax: 1e6 };

const old = randomBytes(32);
const next = randomBytes(32);
const both: Encryption = { keys: { old, next }, active: "next" };

const counter = actor("counter", {
  kind: "unnamed",
  snapshotTimeoutMs: 1,
  state: () => ({ total: 0 }),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
    refuse() {
      throw new Error("never");
    },
    later(ctx, to: string) {
      ctx.effect(counter, to).add(100, { delayMs: 3_600_000, metadata: { why: "later" } });
    },
  },
});

async function start(file: string, encryption?: Encryption): Promise<ActorSystem> {
  const system = actorSystem("test", {
    actors: [counter],
    statestore: sqliteStatestore({ file }),
    handleSignals: false,
    limits: { messageAttemptsMax: 1 },
    ...(encryption && { encryption }),
  });
  await system.start();
  onTestFinished(() => system.stop());
  return system;
}

const names = Array.from({ length: ACTORS }, (_, index) => `c-${index}`);

/** Actors with states, revisions, stored replies, waiting messages and parked ones. */
async function fill(file: string, encryption?: Encryption): Promise<void> {
  const system = await start(file, encryption);
  const add = (name: string, key?: string): Promise<number> =>
    system.actor(counter, name).add(1, key === undefined ? {} : { idempotencyKey: key });
  await Promise.all(names.map((name) => add(name)));
  await Promise.all(names.slice(0, 500).map((name) => add(name, "once")));
  await Promise.all(names.slice(0, 300).map((name) => system.actor(counter, name).later("c-0")));
  await Promise.all(names.slice(0, PARKED).map((name) => system.effect(counter, name).refuse()));
  await expect.poll(() => system.messages.listParked(), { timeout: 20_000 }).toHaveLength(PARKED);
  await system.stop();
}

/** How many rows there are with each key, of all tables. */
function countByKey(file: string): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const database = new DatabaseSync(file, { readOnly: true });
  const tables = ["spawn_actor", "spawn_history", "spawn_inbox", "spawn_message", "spawn_parked"];
  const counts = tables.map((table) => {
    const rows = database.prepare(`SELECT key_id, count(*) AS n FROM ${table} GROUP BY 1`).all();
    return [
      table,
      Object.fromEntries(rows.map((row) => [String(row["key_id"]), Number(row["n"])])),
    ];
  });
  database.close();
  return Object.fromEntries(counts) as Record<string, Record<string, number>>;
}

function keysIn(file: string): readonly string[] {
  return [...new Set(Object.values(countByKey(file)).flatMap((rows) => Object.keys(rows)))];
}

/** Calls until `isOver`; how often each actor was called. */
async function load(
  system: ActorSystem,
  isOver: () => boolean,
): Promise<ReadonlyMap<string, number>> {
  const calls = new Map<string, number>();
  const worker = async (first: number): Promise<void> => {
    for (let index = first; !isOver(); index += 7) {
      const name = `c-${index % CALLED}`;
      await system.actor(counter, name).add(1);
      calls.set(name, (calls.get(name) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, index) => worker(index)));
  return calls;
}

test("a key is changed under load: every row has the new one, and the old one may go", async () => {
  const file = join(directory, "rotation.db");
  await fill(file, { keys: { old } });
  expect(keysIn(file)).toEqual(["old"]);
  for (const rows of Object.values(countByKey(file))) expect(rows["old"]).toBeGreaterThan(0);

  const system = await start(file, both);
  const progress: ReencryptionProgress[] = [];
  let isOver = false;
  const calling = load(system, () => isOver);
  const outcome = await system.reencrypt({ ...FAST, onProgress: (step) => progress.push(step) });
  isOver = true;
  const calls = await calling;
  expect(outcome).toMatchObject({ keyId: "next", isComplete: true, unreadable: 0 });
  expect(outcome.pass).toBeGreaterThan(1);
  expect(outcome.rewritten).toBeGreaterThan(ACTORS - CALLED);
  expect(progress.length).toBeGreaterThan(50);
  expect(
    progress.every((step, index) => step.rewritten >= (progress[index - 1]?.rewritten ?? 0)),
  ).toBe(true);
  await system.stop();
  expect(keysIn(file)).toEqual(["next"]);

  const after = await start(file, { keys: { next }, required: true });
  const totals = await Promise.all(names.map((name) => after.actor(counter, name).get()));
  for (const [index, name] of names.entries()) {
    const expected = (index < 500 ? 2 : 1) + (calls.get(name) ?? 0);
    expect(`${name} ${totals[index]?.total}`).toBe(`${name} ${expected}`);
  }
  const [first] = await after.stored(counter, "c-2000").listRevisions();
  expect(first).toBeUndefined();
  const revisions = await after.stored(counter, "c-400").listRevisions();
  expect(revisions.length).toBeGreaterThan(0);
  for (const { revision } of revisions) await after.stored(counter, "c-400").readRevision(revision);
  expect(await after.actor(counter, "c-400").add(1, { idempotencyKey: "once" })).toBe(2);
  const waiting = await after.messages.list({ limit: 1000 });
  expect(waiting.filter(({ headers }) => headers.metadata?.["why"] === "later")).toHaveLength(300);
  expect(new Set(waiting.map(({ payload }) => payload))).toEqual(new Set(["100"]));
  const parked = await after.messages.listParked({ limit: 1000 });
  expect(parked.every(({ error }) => /never/.test(error))).toBe(true);
  expect(parked).toHaveLength(PARKED);
  await after.stop();
  // The old key alone opens nothing any more, and says so at once.
  expect(await errorOf(start(file, { keys: { old } }))).toMatchObject({
    code: "STATESTORE_UNAVAILABLE",
  });
});

test("encryption is switched on later: clear rows are read, and encrypted by the command", async () => {
  const file = join(directory, "later.db");
  await fill(file);
  expect(keysIn(file)).toEqual(["null"]);
  const system = await start(file, { keys: { old } });
  expect(await system.actor(counter, "c-0").add(1)).toBe(3);
  expect(await system.reencrypt(FAST)).toMatchObject({ isComplete: true });
  await system.stop();
  expect(keysIn(file)).toEqual(["old"]);
  const strict = await start(file, { keys: { old }, required: true });
  expect(await strict.actor(counter, "c-2999").add(1)).toBe(2);
  expect(await strict.actor(counter, "c-400").add(1, { idempotencyKey: "once" })).toBe(2);
});

test("a change of keys that was ended goes on where it was, and keeps unreadable rows and their key", async () => {
  const file = join(directory, "ended.db");
  await fill(file, { keys: { old } });
  const first = await start(file, both);
  const abort = new AbortController();
  const ended = first.reencrypt({
    ...FAST,
    signal: abort.signal,
    onProgress: ({ rewritten }) => rewritten > 500 && abort.abort(),
  });
  await expect(ended).rejects.toThrow(/aborted/);
  await first.stop();
  expect(keysIn(file)).toEqual(["next", "old"]);

  const database = new DatabaseSync(file);
  const damaged = `id = (SELECT actor_id FROM spawn_name WHERE name = 'c-999')`;
  database.exec(`UPDATE spawn_actor SET state = x'0102', key_id = 'old' WHERE ${damaged}`);
  database.close();
  const second = await start(file, both);
  const outcome = await second.reencrypt(FAST);
  expect(outcome).toMatchObject({ isComplete: false, unreadable: 1 });
  expect(outcome.rewritten).toBeLessThan(ACTORS + 1_300);
  expect(await errorOf(second.actor(counter, "c-999").get())).toMatchObject({
    code: "STATE_CORRUPT",
  });
  await second.stop();
  expect(countByKey(file)["spawn_actor"]).toEqual({ next: ACTORS - 1, old: 1 });
  // So the old key is still asked for.
  expect(await errorOf(start(file, { keys: { next } }))).toMatchObject({
    code: "STATESTORE_UNAVAILABLE",
    message: expect.stringContaining('"old"'),
  });
});

test("a change of keys ends with its system, which does not wait for it", async () => {
  const file = join(directory, "stopped.db");
  await fill(file, { keys: { old } });
  const system = await start(file, both);
  const first = Promise.withResolvers<void>();
  const changing = system.reencrypt({ rowsPerSecondMax: 100, onProgress: () => first.resolve() });
  const failure = errorOf(changing);
  await first.promise;
  await system.stop();
  expect(await failure).toMatchObject({ code: "SHUTTING_DOWN" });
  expect(await errorOf(system.reencrypt())).toMatchObject({ code: "SHUTTING_DOWN" });
  expect(keysIn(file)).toEqual(["next", "old"]);
});

test("a system without keys has none to change", async () => {
  const system = await start(join(directory, "none.db"));
  expect(await errorOf(system.reencrypt())).toMatchObject({ code: "INVALID_ARGUMENT" });
});

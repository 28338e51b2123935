/** A system goes from one kind of database to the next, and is the same and works in the end. */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { actor, actorSystem, type ActorSystem, type EngineEvent } from "spawn-mesh";
import { encryptedStatestore } from "spawn-mesh/encryption";
import type { Statestore } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { exportSystem, importSystem } from "spawn-mesh/transfer";
import { errorOf } from "../behaviour/start-system.ts";
import { mariadb } from "../servers/mariadb.ts";
import { postgres } from "../servers/postgres.ts";
import type { TestDatabase, TestDatabaseServer } from "../servers/test-database.ts";
import { printed, start as startProcess } from "./sqlite-child-process.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-transfer-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ACTORS = 1_200;
/** How long a statestore waits for a connection before it tries again. */
const CONNECTING_MS = 5_000;
const encryption = { keys: { key: randomBytes(32) }, required: true };

const counter = actor("counter", {
  kind: "unnamed",
  snapshotTimeoutMs: 1,
  channels: ["sale"],
  state: () => ({ total: 0, heard: [] as string[], note: "n".repeat(800) }),
  index: ({ total }) => ({ total }),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
    hear: (ctx, word: string) => void ctx.state.heard.push(word),
    receive: (ctx) => void ctx.state.heard.push("sale"),
    say(ctx, words: string[]) {
      for (const word of words) ctx.effect(counter, "listener").hear(word, { delayMs: 1_500 });
    },
    refuse() {
      throw new Error("never");
    },
  },
});

const clock = actor("clock", {
  state: () => ({ ticks: 0 }),
  actions: { tick: (ctx) => void ctx.state.ticks++ },
  timers: [{ action: "tick", everyMs: 100 }],
});

async function start(statestore: Statestore, events: EngineEvent[] = []): Promise<ActorSystem> {
  const system = actorSystem("shop", {
    actors: [counter, clock],
    statestore,
    handleSignals: false,
    limits: { messageAttemptsMax: 1 },
    onEvent: (event) => events.push(event),
  });
  await system.start();
  onTestFinished(() => system.stop());
  return system;
}

const names = Array.from({ length: ACTORS }, (_, index) => `c-${index}`);

/** Something of everything that a system can leave behind. */
async function fill(statestore: Statestore): Promise<void> {
  const system = await start(statestore);
  const add = (name: string, by: number): Promise<number> =>
    system.actor(counter, name).add(by, { idempotencyKey: `add ${by}` });
  await Promise.all(names.map((name) => add(name, 1)));
  await Promise.all(names.slice(0, 300).map((name) => add(name, 2)));
  await Promise.all(names.slice(0, 10).map((name) => system.stored(counter, name).delete()));
  await system.actor(counter, "listener").add(0);
  await system.send("listener", { definition: "counter", action: "refuse" });
  while ((await system.messages.listParked()).length === 0) await pause();
  const later = Array.from({ length: 300 }, (_, index) => `c-${20 + index}`);
  await Promise.all(
    later.map((name) => system.effect(counter, name).add(1000, { delayMs: 1_500 })),
  );
  await system.effect(counter, "c-400").add(7, { everyMs: 86_400_000, delayMs: 1_500 });
  await system.effect(counter, "c-401").add(7, { cron: "0 3 * * *", timeZone: "Europe/Rome" });
  const words = Array.from({ length: 40 }, (_, index) => `word ${index}`);
  await system.actor(counter, "c-500").say(words);
  await system.stop();
}

/** That it works: every actor, its history, its timers, and each message once. */
async function checkWorking(statestore: Statestore): Promise<void> {
  const events: EngineEvent[] = [];
  const system = await start(statestore, events);
  const totalOf = async (name: string): Promise<number> =>
    (await system.actor(counter, name).get()).total;
  const isSent = (index: number): boolean => index >= 20 && index < 320;
  expect((await system.find(counter, { total: 3 }, { limit: 1000 })).actors).toHaveLength(290);
  await waitFor(async () => (await system.messages.list()).length <= 3);
  const totals = await Promise.all(names.map(totalOf));
  expect(totals).toEqual(
    names.map((_, index) => {
      const added = index < 10 ? 0 : index < 300 ? 3 : 1;
      return added + (isSent(index) ? 1000 : 0) + (index === 400 ? 7 : 0);
    }),
  );
  const { heard } = await system.actor(counter, "listener").get();
  expect(heard).toEqual(Array.from({ length: 40 }, (_, index) => `word ${index}`));
  const waiting = await system.messages.list();
  expect(waiting.map(({ target }) => target.name).toSorted()).toEqual(["c-400", "c-401", "clock"]);
  expect((await system.messages.listParked()).map(({ action }) => action)).toEqual(["refuse"]);
  // A call that was answered before is not carried out again.
  expect(await system.actor(counter, "c-299").add(1, { idempotencyKey: "add 1" })).toBe(1);
  const stored = system.stored(counter, "c-299");
  expect((await stored.readRevision(1)).total).toBe(1);
  const { ticks } = await system.actor(clock).get();
  await waitFor(async () => (await system.actor(clock).get()).ticks > ticks);
  // Subscriptions are of definitions: there are as many as there are actors.
  await system.publish("sale");
  await waitFor(async () => (await system.actor(counter, "c-1199").get()).heard.length === 1);
  await system.stop();
  const usual = ["activated", "deactivated", "committed"];
  const wrong = events.filter(({ type }) => !usual.includes(type));
  expect(wrong).toEqual([]);
}

/** All rows in clear, in an order that does not depend on the statestore; messages in theirs. */
async function contentOf(statestore: Statestore): Promise<readonly unknown[]> {
  const parts: Uint8Array[] = [];
  for await (const part of exportSystem(statestore, "shop", { inClear: true })) parts.push(part);
  const rows = Buffer.concat(parts)
    .toString()
    .split("\n")
    .filter((line) => line.startsWith('{"kind"'))
    .map((line) => JSON.parse(line) as Row);
  const nameOf = ({ kind, actor: of, stored }: Row): string =>
    [kind, of?.definition, of?.name, stored.revision, stored.key].join(" ");
  return rows.toSorted((a, b) => {
    if (a.kind === "message" && b.kind === "message") return 0;
    return nameOf(a) < nameOf(b) ? -1 : 1;
  });
}

interface Row {
  readonly kind: string;
  readonly actor?: { readonly definition: string; readonly name: string };
  readonly stored: { readonly revision?: number; readonly key?: string };
}

async function carry(from: Statestore, to: Statestore, options = {}): Promise<string> {
  const file = join(mkdtempSync(join(directory, "stream-")), "shop.jsonl");
  await pipeline(exportSystem(from, "shop", options), createWriteStream(file));
  await importSystem(to, createReadStream(file), { system: "shop" });
  return file;
}

const newFile = (): string => join(mkdtempSync(join(directory, "file-")), "state.db");

describe("a system that was exported", () => {
  const servers: readonly TestDatabase[] = [postgres, mariadb];
  const missing = servers.find((server) => server.missing !== undefined);
  let running: readonly TestDatabaseServer[] = [];
  beforeAll(async () => {
    if (missing === undefined) running = await Promise.all(servers.map((one) => one.start()));
  });
  afterAll(() => Promise.all(running.map((server) => server.stop())));

  test.skipIf(missing !== undefined)(
    "is the same in memory, SQLite, PostgreSQL, MariaDB and memory, one after the other, and works",
    async () => {
      const first = memoryStatestore();
      await fill(first);
      const content = await contentOf(first);
      expect(content.length).toBeGreaterThan(ACTORS * 2);

      const sqlite = sqliteStatestore({ file: newFile() });
      await carry(first, sqlite);
      expect(await contentOf(sqlite)).toEqual(content);

      const [pgUrl = "", mariaUrl = ""] = await Promise.all(
        running.map((server) => server.createPlace()),
      );
      const inPostgres = encryptedStatestore(statestoreFromUrl(pgUrl), encryption);
      await carry(sqlite, inPostgres);
      expect(await contentOf(inPostgres)).toEqual(content);

      const inMariadb = encryptedStatestore(statestoreFromUrl(mariaUrl), encryption);
      const stream = readFileSync(await carry(inPostgres, inMariadb));
      expect(stream.includes("word 7")).toBe(false);
      expect(await contentOf(inMariadb)).toEqual(content);

      for (const store of [inPostgres, inMariadb]) {
        const again = { system: "shop", replace: true };
        await importSystem(store, exportSystem(first, "shop"), again);
        expect(await contentOf(store)).toEqual(content);
      }

      const last = memoryStatestore();
      await carry(inMariadb, last, { inClear: true });
      expect(await contentOf(last)).toEqual(content);

      for (const store of [last, inMariadb, inPostgres, sqlite]) await checkWorking(store);
    },
  );

  test.skipIf(missing !== undefined)(
    "is not replaced over the only connection, which is said at once, and stays as it is",
    async () => {
      const source = memoryStatestore();
      const system = await start(source);
      await system.actor(counter, "one").add(1);
      await system.stop();
      for (const server of running) {
        const url = await server.createPlace();
        const only = encryptedStatestore(statestoreFromUrl(url, { connectionsMax: 1 }), encryption);
        await importSystem(only, exportSystem(source, "shop"), { system: "shop" });
        const content = await contentOf(only);
        const again = { system: "shop", replace: true };
        const startedAt = performance.now();
        expect(
          await errorOf(importSystem(only, exportSystem(source, "shop"), again)),
        ).toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining("connectionsMax: expected 2 or more"),
        });
        expect(performance.now() - startedAt).toBeLessThan(CONNECTING_MS);
        expect(await contentOf(only)).toEqual(content);
        expect(
          await errorOf(
            importSystem(memoryStatestore(), exportSystem(only, "shpo"), { system: "shpo" }),
          ),
        ).toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining('nothing of "shpo"'),
        });
      }
    },
  );

  test("goes on after its import was killed, and does not start before", async () => {
    const source = memoryStatestore();
    await fill(source);
    const parts: Uint8Array[] = [];
    for await (const part of exportSystem(source, "shop")) parts.push(part);
    const file = newFile();
    const program = join(import.meta.dirname, "programs/import-file.ts");
    const command = [process.execPath, "--conditions=@spawn-mesh/source", program, file];
    const killed = startProcess(command);
    const begun = parts.slice(0, -2);
    killed.stdin.on("error", () => undefined);
    killed.stdin.write(Buffer.concat(begun));
    // Whatever it has done by then, there is more to come.
    await printed(killed, "states ");
    killed.kill("SIGKILL");
    await new Promise((resolve) => killed.on("close", resolve));

    const halfway = sqliteStatestore({ file });
    const error = await errorOf(start(halfway));
    expect(error).toMatchObject({ code: "STATESTORE_UNAVAILABLE" });
    expect(error.message).toContain("only a part of shop");
    await expect(contentOf(halfway)).rejects.toThrow("only a part of shop");
    const again = startProcess(command);
    again.stdin.end(Buffer.concat(parts));
    await printed(again, "done");
    expect(await contentOf(sqliteStatestore({ file }))).toEqual(await contentOf(source));
    await checkWorking(sqliteStatestore({ file }));
  });
});

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause();
}

/** Rows that are damaged beyond their encryption, in every kind of database: told by name, and in nobody's way. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { actor, actorSystem, type ActorSystem, type EngineEvent } from "spawn-mesh";
import { encryptedStatestore, type EncryptedStatestore } from "spawn-mesh/encryption";
import { isSealed } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { exportSystem, importSystem, type UnreadableRow } from "spawn-mesh/transfer";
import { message, ordered } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { errorOf } from "../behaviour/start-system.ts";
import { administerMysql, mariadb } from "../servers/mariadb.ts";
import { administer, postgres } from "../servers/postgres.ts";
import { sqliteFiles } from "../servers/sqlite-files.ts";
import type { TestDatabaseServer } from "../servers/test-database.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-damaged-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const counter = actor("counter", {
  kind: "unnamed",
  snapshotTimeoutMs: 1,
  state: () => ({ total: 0 }),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
  },
});

const keys = { old: randomBytes(32), new: randomBytes(32) };
const NEVER = 8e15;
const target = { system: "shop", definition: "counter", name: "eve" };
const ann = { ...target, name: "ann" };

/** How a database calls what is damaged here. */
interface Names {
  readonly revision: string;
  readonly replyKind: string;
  readonly outbox: string;
  /** The condition that a row of actors, history or replies is that of an actor. */
  readonly of: (name: string) => string;
  /** The id of a message as it is stored. */
  readonly id: (id: string) => string;
}

const inSqlite: Names = {
  revision: "revision",
  replyKind: "kind",
  outbox: "spawn_message",
  of: (name) => `actor_id = (SELECT actor_id FROM spawn_name WHERE name = '${name}')`,
  id: (id) => `id = '${id}'`,
};

const inServers: Names = {
  revision: "rev",
  replyKind: "status",
  outbox: "spawn_outbox",
  of: (name) => `k = (SELECT k FROM (SELECT k FROM spawn_actor WHERE name = '${name}') x)`,
  id: (id) => `id = '${id}'`,
};

/** Damage of each kind of row, and how it is called. */
const damages = (db: Names): readonly (readonly [what: string, statement: string])[] => [
  [
    "revision 1 of shop/counter/ann",
    `UPDATE spawn_history SET codec = 3 WHERE ${db.of("ann")} AND ${db.revision} = 1`,
  ],
  [
    "revision 2 of shop/counter/ann",
    `UPDATE spawn_history SET tags = '[1]' WHERE ${db.of("ann")} AND ${db.revision} = 2`,
  ],
  [
    'a stored reply of shop/counter/bob (key "once")',
    `UPDATE spawn_inbox SET ${db.replyKind} = 9 WHERE ${db.of("bob")}`,
  ],
  ["the message headers", `UPDATE ${db.outbox} SET headers = '{' WHERE ${db.id("headers")}`],
  ["the message nothing", `UPDATE ${db.outbox} SET headers = 'null' WHERE ${db.id("nothing")}`],
  ["the message target", `UPDATE ${db.outbox} SET target = '{}' WHERE ${db.id("target")}`],
  ["the message source", `UPDATE ${db.outbox} SET source = '[1,2,3]' WHERE ${db.id("source")}`],
  [
    "the parked message parked",
    `UPDATE spawn_parked SET headers = '"call"' WHERE ${db.id("parked")}`,
  ],
];

const damagedMessages = ["headers", "nothing", "target", "source"];

const databases = [
  {
    database: sqliteFiles(directory),
    names: inSqlite,
    run: async (url: string, statement: string) => {
      const file = new DatabaseSync(new URL(url).pathname);
      file.exec(statement);
      file.close();
    },
  },
  { database: postgres, names: inServers, run: administer },
  { database: mariadb, names: inServers, run: administerMysql },
];

for (const { database, names, run } of databases) {
  describe.skipIf(database.missing !== undefined)(`damaged rows of ${database.name}`, () => {
    let server: TestDatabaseServer;
    let url: string;
    beforeAll(async () => {
      server = await database.start();
      url = await server.createPlace();
      await fill(url);
      for (const [, statement] of damages(names)) await run(url, statement);
    });
    afterAll(() => server?.stop());

    async function start(
      active: "old" | "new" = "old",
      events: EngineEvent[] = [],
    ): Promise<ActorSystem> {
      const system = actorSystem("shop", {
        actors: [counter],
        statestore: opened(url, active),
        handleSignals: false,
        onEvent: (event) => events.push(event),
      });
      await system.start();
      onTestFinished(() => system.stop());
      return system;
    }

    test("end an export with the name of the first one and what to do about it", async () => {
      for (const inClear of [false, true]) {
        const error = await errorOf(bytesOf(exportSystem(opened(url), "shop", { inClear })));
        expect(error).toMatchObject({ code: "STATE_CORRUPT", applied: "no" });
        expect(error.message).toMatch(/revision 1 of shop\/counter\/ann is damaged: .*number 3/);
        expect(error.message).toContain("onUnreadable");
      }
    });

    test("are told and left out by an export that goes on, and all else arrives", async () => {
      for (const inClear of [false, true]) {
        const told: UnreadableRow[] = [];
        const onUnreadable = (row: UnreadableRow): number => told.push(row);
        const stream = await bytesOf(exportSystem(opened(url), "shop", { inClear, onUnreadable }));
        const expected = damages(names).map(([what]) => what);
        expect(told.map(({ what }) => what).toSorted()).toEqual(expected.toSorted());
        for (const { what, reason } of told) expect(reason).toContain(`${what} is damaged: `);
        const into = memoryStatestore();
        const done = await importSystem(
          encryptedStatestore(into, { keys, active: "new" }),
          [stream],
          {
            system: "shop",
          },
        );
        expect(done).toMatchObject({ unreadable: expected.length });
        expect(done.rows).toMatchObject({ state: 3, revision: 4, reply: 2, message: 2, parked: 1 });
      }
    });

    test("are counted and named by a change of keys, which ends and keeps the old key for them", async () => {
      const store = opened(url, "new");
      await store.open({ owner: "the night" });
      const done = await store.reencrypt();
      await store.close();
      expect(done).toMatchObject({ isComplete: false, unreadable: 8, keysInUse: ["old"] });
      const expected = damages(names).map(([what]) => what);
      expect(done.failures.map(({ what }) => what).toSorted()).toEqual(expected.toSorted());
      const without = encryptedStatestore(statestoreFromUrl(url), { keys: { new: keys.new } });
      expect((await errorOf(without.open({ owner: "too early" }))).message).toContain('key "old"');
    });

    test("are listed with what is known of them, and hide no other", async () => {
      const system = await start("new");
      const waiting = await system.messages.list();
      expect(waiting.map(({ id }) => id)).toEqual(expect.arrayContaining(damagedMessages));
      expect(waiting.find(({ id }) => id === "fine")).toMatchObject({ payload: "0", target });
      expect(waiting.find(({ id }) => id === "headers")).toMatchObject({
        target,
        payload: { problem: expect.stringContaining("headers") },
      });
      const ofEve = (await system.messages.list({ target })).map(({ id }) => id);
      expect(ofEve).toEqual(
        expect.arrayContaining(["behind", "fine", "headers", "nothing", "source"]),
      );
      const parked = await system.messages.listParked();
      expect(parked.map(({ id, payload }) => [id, isSealed(payload)])).toEqual([
        ["given up", false],
        ["parked", true],
      ]);
      const { actors } = await system.actors.list({ definition: "counter" });
      expect(actors.map(({ name }) => name).toSorted()).toEqual(["ann", "bob", "cat"]);
      const stored = system.stored(counter, "ann");
      expect((await stored.listRevisions()).map(({ revision }) => revision)).toEqual([2, 1]);
      expect(await errorOf(stored.readRevision(1))).toMatchObject({ code: "STATE_CORRUPT" });
    });

    test("fail who asks for them, and nobody who asks beside them", async () => {
      const system = await start("new");
      const call = { idempotencyKey: "once" };
      const [ofBob, ofCat, ofAnn] = await Promise.all([
        errorOf(system.actor(counter, "bob").add(1, call)),
        system.actor(counter, "cat").add(1, call),
        system.actor(counter, "ann").add(1),
      ]);
      expect(ofBob).toMatchObject({ code: "STATE_CORRUPT", applied: "unknown" });
      expect([ofCat, ofAnn]).toEqual([1, 4]);
    });

    test("can be cancelled, with those behind them delivered", async () => {
      const inner = opened(url);
      await inner.open({ owner: "the day" });
      const lane = { source: { ...ann, name: "lane" }, target: { ...target, name: "lane" } };
      await inner.messages.send([
        ordered("broken", { ...lane, action: "add", dueAt: NEVER }),
        ordered("next", { ...lane, action: "add", payload: "5", dueAt: NEVER }),
      ]);
      await inner.close();
      await run(
        url,
        `UPDATE ${names.outbox} SET source = '[]', due_at = 0 WHERE ${names.id("broken")}`,
      );
      await run(url, `UPDATE ${names.outbox} SET due_at = 0 WHERE ${names.id("next")}`);
      const store = opened(url, "new");
      await store.open({ owner: "somebody who looks after it" });
      expect(await store.messages.remove(["broken"])).toEqual(["broken"]);
      await store.close();
      const system = await start("new");
      await expect.poll(async () => (await system.actor(counter, "lane").get()).total).toBe(5);
    });

    test("are parked when their time comes, with those behind them delivered, and can be discarded", async () => {
      await run(url, `UPDATE ${names.outbox} SET due_at = 0`);
      const events: EngineEvent[] = [];
      const system = await start("new", events);
      await expect.poll(async () => (await system.actor(counter, "eve").get()).total).toBe(1);
      await expect.poll(() => system.messages.list()).toEqual([]);
      const parked = await system.messages.listParked();
      expect(parked.map(({ id }) => id).toSorted()).toEqual(
        [...damagedMessages, "parked", "given up"].toSorted(),
      );
      const told = events.flatMap((event) => (event.type === "message-parked" ? [event.id] : []));
      expect(told.toSorted()).toEqual(damagedMessages.toSorted());
      expect(parked.find(({ id }) => id === "headers")?.error).toContain("the message is damaged");
      expect(await system.messages.discard(...damagedMessages, "parked")).toHaveLength(5);
      expect(await system.messages.listParked()).toHaveLength(1);
    });
  });
}

function opened(url: string, active: "old" | "new" = "old"): EncryptedStatestore {
  return encryptedStatestore(statestoreFromUrl(url), { keys, active });
}

/** Three actors with two revisions and a stored reply each, and messages that wait or were given up. */
async function fill(url: string): Promise<void> {
  const inner = memoryStatestore();
  const system = actorSystem("shop", {
    actors: [counter],
    statestore: inner,
    handleSignals: false,
  });
  await system.start();
  for (const name of ["ann", "bob", "cat"]) {
    await system.actor(counter, name).add(1, { idempotencyKey: "once" });
    for (let n = 0; n < 2; n++) {
      await sleep(10);
      await system.actor(counter, name).add(1);
    }
  }
  await system.stop();
  const store = opened(url);
  await importSystem(store, exportSystem(inner, "shop"), { system: "shop" });
  await store.open({ owner: "the day" });
  const call = { target, action: "add", payload: "1", dueAt: NEVER };
  await store.messages.send([
    ...damagedMessages.map((id) =>
      id === "source" ? ordered(id, { ...call, source: ann }) : message(id, call),
    ),
    ordered("behind", { ...call, source: ann }),
    message("fine", { ...call, payload: "0" }),
    message("parked", call),
    message("given up", call),
  ]);
  const parked = ["given up", "parked"].map((id) => ({ id, sentAt: 900, error: "enough" }));
  for (const [at, each] of parked.entries()) await store.messages.park([each], at);
  await store.close();
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

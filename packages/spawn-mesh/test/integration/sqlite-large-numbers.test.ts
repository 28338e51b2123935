/** Numbers that JavaScript has not, in rows of a SQLite file: told like other damage, and in nobody's way. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { actor, actorSystem, type ActorSystem } from "spawn-mesh";
import { encryptedStatestore, type EncryptedStatestore } from "spawn-mesh/encryption";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { exportSystem, type UnreadableRow } from "spawn-mesh/transfer";
import { message } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { errorOf } from "../behaviour/start-system.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-large-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const counter = actor("counter", {
  kind: "unnamed",
  snapshotTimeoutMs: 1,
  state: () => ({ total: 0 }),
  actions: {
    add: (ctx, by: number) => (ctx.state.total += by),
  },
});

const key = randomBytes(32);
const NEVER = 8e15;
const target = { system: "shop", definition: "counter", name: "eve" };
const LARGE = "1234567890123456789";

let file = "";
beforeEach(async () => {
  file = join(mkdtempSync(join(directory, "case-")), "state.db");
  const system = await start();
  for (const name of ["ann", "bob"]) {
    await system.actor(counter, name).add(1, { idempotencyKey: "once" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await system.actor(counter, name).add(1);
  }
  await system.stop();
  const store = opened();
  await store.open({ owner: "the day" });
  const call = { target, action: "add", payload: "1", dueAt: NEVER };
  const ids = ["sent", "due", "tried", "flags", "fine", "parked", "given up"];
  await store.messages.send(ids.map((id) => message(id, call)));
  for (const id of ["parked", "given up"]) {
    await store.messages.park([{ id, sentAt: 900, error: "enough" }], 1);
  }
  await store.close();
  const database = new DatabaseSync(file);
  const actorId = "(SELECT actor_id FROM spawn_name WHERE name = 'ann')";
  database.exec(`
    UPDATE spawn_message SET sent_at = ${LARGE} WHERE id = 'sent';
    UPDATE spawn_message SET due_at = -${LARGE} WHERE id = 'due';
    UPDATE spawn_message SET attempts = ${LARGE} WHERE id = 'tried';
    UPDATE spawn_message SET flags = ${LARGE} WHERE id = 'flags';
    UPDATE spawn_parked SET sent_at = ${LARGE}, parked_at = ${LARGE} WHERE id = 'parked';
    UPDATE spawn_history SET revision = ${LARGE}, at = ${LARGE} WHERE actor_id = ${actorId};
    UPDATE spawn_inbox SET expire_at = ${LARGE} WHERE actor_id = ${actorId};
    UPDATE spawn_actor SET at = ${LARGE} WHERE id = ${actorId};`);
  database.close();
});

function opened(): EncryptedStatestore {
  return encryptedStatestore(sqliteStatestore({ file }), { keys: { key } });
}

async function start(): Promise<ActorSystem> {
  const system = actorSystem("shop", {
    actors: [counter],
    statestore: opened(),
    handleSignals: false,
  });
  await system.start();
  onTestFinished(() => system.stop());
  return system;
}

const damaged = [
  `revision ${LARGE} of shop/counter/ann`,
  'a stored reply of shop/counter/ann (key "once")',
  "the message sent",
  "the message due",
  "the message tried",
  "the message flags",
  "the parked message parked",
];

test("are told by an export and by a change of keys, which both go on", async () => {
  const told: UnreadableRow[] = [];
  const onUnreadable = (row: UnreadableRow): number => told.push(row);
  let size = 0;
  for await (const part of exportSystem(opened(), "shop", { onUnreadable })) size += part.length;
  expect(size).toBeGreaterThan(0);
  // What is left of the actor is its name.
  expect(told.map(({ what }) => what)).toEqual(["the state of shop/counter/ann", ...damaged]);
  const store = encryptedStatestore(sqliteStatestore({ file }), {
    keys: { key, next: randomBytes(32) },
    active: "next",
  });
  await store.open({ owner: "the night" });
  const { failures, isComplete } = await store.reencrypt();
  await store.close();
  expect(isComplete).toBe(false);
  expect(failures.map(({ what }) => what)).toEqual(["the state of shop/counter/ann", ...damaged]);
});

test("hide no other row of a list", async () => {
  const system = await start();
  const waiting = await system.messages.list();
  expect(waiting.map(({ id }) => id)).toEqual(["due", "fine", "flags", "sent", "tried"]);
  const parked = await system.messages.listParked();
  expect(parked.map(({ id }) => id)).toEqual(["given up", "parked"]);
  const { actors } = await system.actors.list({ definition: "counter" });
  expect(actors.map(({ name }) => name)).toEqual(["ann", "bob"]);
  expect(await system.stored(counter, "ann").listRevisions()).toHaveLength(1);
  const [ofAnn, ofBob] = await Promise.all([
    errorOf(system.actor(counter, "ann").add(1)),
    system.actor(counter, "bob").add(1),
  ]);
  expect([ofAnn.message.includes("ann is damaged"), ofBob]).toEqual([true, 3]);
});

test("do not keep a message from being parked or removed, nor the others from being delivered", async () => {
  const store = opened();
  await store.open({ owner: "somebody who looks after it" });
  expect(await store.messages.remove(["flags"])).toEqual(["flags"]);
  await store.close();
  const database = new DatabaseSync(file);
  database.exec("UPDATE spawn_message SET due_at = 0 WHERE due_at > 0");
  database.close();
  const system = await start();
  await expect.poll(async () => (await system.actor(counter, "eve").get()).total).toBe(1);
  await expect.poll(() => system.messages.list()).toEqual([]);
  const ids = (await system.messages.listParked()).map(({ id }) => id);
  expect(ids.toSorted()).toEqual(["due", "given up", "parked", "sent", "tried"]);
  expect(await system.messages.retry("parked")).toEqual(["parked"]);
});

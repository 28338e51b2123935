/** Files that cannot be used: each a clear error, and not one byte of them changed. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeEach, expect, test } from "vitest";
import { isSpawnError } from "../../src/engine/errors.ts";
import { actor, actorSystem } from "../../src/sdk/index.ts";
import type { ActorSystem } from "../../src/sdk/index.ts";
import { sqliteStatestore } from "../../src/statestores/sqlite/index.ts";
import {
  actorNamed,
  createActor,
  loadRow,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import { claimIds, message, ordered } from "../../src/testing/statestore-cases/message-fixtures.ts";
import { canRun } from "./sqlite-child-process.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-sqlite-files-"));
const isRoot = process.getuid?.() === 0;
const PERMISSION_BITS = 0o777;
const MANY_ACTORS = 200;
const MANY_MESSAGES = 20_000;

let file = "";
beforeEach(() => {
  file = join(mkdtempSync(join(directory, "case-")), "state.db");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A file of ours with some rows, closed. */
async function writeGoodFile(): Promise<void> {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-1" });
  const actors = Array.from({ length: MANY_ACTORS }, (_, index) => actorNamed(`actor-${index}`));
  await Promise.all(actors.map((actor) => createActor(store, actor)));
  await store.close();
}

function inspect<T>(run: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file);
  try {
    return run(database);
  } finally {
    database.close();
  }
}

/** The bytes of everything in the directory but the lock. */
function fingerprints(): Readonly<Record<string, string>> {
  const names = readdirSync(dirname(file)).filter((name) => !name.endsWith(".lock"));
  return Object.fromEntries(
    names.map((name) => {
      const path = join(dirname(file), name);
      const content = statSync(path).isFile() ? readFileSync(path) : "a directory";
      return [name, createHash("sha256").update(content).digest("hex")];
    }),
  );
}

async function expectRefused(message: RegExp): Promise<void> {
  const store = sqliteStatestore({ file });
  const error: unknown = await store.open({ owner: "session-2" }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isSpawnError(error) && error.code).toBe("STATESTORE_UNAVAILABLE");
  expect(String(error)).toMatch(message);
  expect(String(error)).toContain(file);
}

/** Refused, refused again (so nothing is left locked), and every file as it was. */
async function expectRefusedUntouched(message: RegExp): Promise<void> {
  const before = fingerprints();
  const hadLock = existsSync(`${file}.lock`);
  await expectRefused(message);
  await expectRefused(message);
  expect(existsSync(`${file}.lock`)).toBe(hadLock);
  const after = fingerprints();
  for (const [name, fingerprint] of Object.entries(before)) expect(after[name]).toBe(fingerprint);
}

test("refuses a file that is not a SQLite database", async () => {
  writeFileSync(file, "three lines\nof somebody's\nnotes\n");
  await expectRefusedUntouched(/not a SQLite database/);
  writeFileSync(file, randomBytes(20_000));
  await expectRefusedUntouched(/not a SQLite database/);
});

test("refuses a SQLite database of another program", async () => {
  inspect((database) => database.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES (1)"));
  await expectRefusedUntouched(/another program/);
});

test("leaves the log alone that another program left behind", async () => {
  const original = `${file}.original`;
  const other = new DatabaseSync(original);
  other.exec("PRAGMA journal_mode = WAL; CREATE TABLE notes (text); INSERT INTO notes VALUES (1)");
  copyFileSync(original, file);
  copyFileSync(`${original}-wal`, `${file}-wal`);
  other.close();
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
  await expectRefusedUntouched(/another program/);
});

test("refuses a file of a newer schema", async () => {
  await writeGoodFile();
  inspect((database) => {
    database.exec("PRAGMA user_version = 999");
    database.exec("UPDATE spawn_meta SET value = '999' WHERE name = 'schema_version'");
  });
  await expectRefusedUntouched(/version 999, this program knows \d+/);
});

test("finds the messages of a file of an older schema, each lane from its beginning", async () => {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "before" });
  const ids = ["b", "a", "c"];
  await store.messages.send([...ids.map((id) => ordered(id)), message("outside")]);
  await store.close();
  inspect((database) => {
    database.exec(`DROP INDEX spawn_message_due_at;
      DROP INDEX spawn_message_doubtful;
      ALTER TABLE spawn_message DROP COLUMN is_first;
      ALTER TABLE spawn_message DROP COLUMN is_unanswered;
      DROP TABLE spawn_index;
      PRAGMA user_version = 2;
      UPDATE spawn_meta SET value = '2' WHERE name = 'schema_version'`);
  });
  const next = sqliteStatestore({ file });
  await next.open({ owner: "after" });
  expect(await claimIds(next, { laneMax: 1 })).toEqual(["b", "outside"]);
  await next.messages.remove(["b"]);
  expect(await claimIds(next)).toEqual(["a", "c"]);
  await next.close();
});

test("looks for what is due as fast when many wait behind a message that fails", async () => {
  const store = sqliteStatestore({ file });
  await store.open({ owner: "one" });
  await store.messages.send(Array.from({ length: MANY_MESSAGES }, (_, at) => ordered(`m-${at}`)));
  expect(await claimIds(store, { limit: 1 })).toEqual(["m-0"]);
  const before = process.cpuUsage();
  for (let sweep = 0; sweep < 50; sweep++) {
    expect(await claimIds(store)).toEqual([]);
    await store.messages.nextDueAt();
  }
  const { user, system } = process.cpuUsage(before);
  // A look takes a fifth of a millisecond, a walk over all of them two; what others do meanwhile does not count.
  expect((user + system) / 1_000 / 50).toBeLessThan(1);
  await store.close();
});

test("refuses a file of which a part is missing", async () => {
  await writeGoodFile();
  truncateSync(file, Math.floor(statSync(file).size / 2));
  await expectRefusedUntouched(/damaged/);
});

test.each([
  ["at its end", 1],
  ["in the midst of the actors, which nothing reads at the start", 1 / 2],
])("refuses a file with garbage %s", async (_what, place) => {
  await writeGoodFile();
  const bytes = readFileSync(file);
  const pageSize = bytes.readUInt16BE(16);
  const page = Math.floor((bytes.length / pageSize - 1) * place);
  randomBytes(pageSize).copy(bytes, page * pageSize);
  writeFileSync(file, bytes);
  await expectRefusedUntouched(/damaged|malformed/);
});

test("refuses a directory in the place of the file, and a file in the place of the directory", async () => {
  mkdirSync(file);
  await expectRefusedUntouched(/not a file/);
  rmSync(file, { recursive: true });
  writeFileSync(file, "a file");
  file = join(file, "state.db");
  await expectRefused(/cannot be made/);
});

/** Takes the right to write away, from root as well where the file system can. */
function makeReadOnly(path: string): boolean {
  if (isRoot) return canRun("chattr", "+i", path);
  chmodSync(path, statSync(path).isDirectory() ? 0o500 : 0o400);
  return true;
}

function makeWritable(path: string): void {
  if (isRoot) spawnSync("chattr", ["-i", path]);
  else chmodSync(path, 0o700);
}

for (const what of ["file", "directory"] as const) {
  test(`refuses a ${what} that must not be written`, async ({ skip }) => {
    await writeGoodFile();
    const path = what === "file" ? file : dirname(file);
    if (what === "directory") rmSync(`${file}.lock`);
    try {
      if (!makeReadOnly(path)) skip("root cannot be kept from writing here: no chattr +i");
      await expectRefusedUntouched(/cannot be opened|permitted|permission|denied/i);
    } finally {
      makeWritable(path);
    }
  });
}

test("opens a file whose process was killed while it carried the log over", async () => {
  const original = `${file}.original`;
  const killed = sqliteStatestore({ file: original });
  await killed.open({ owner: "session-1" });
  const actors = Array.from({ length: MANY_ACTORS }, (_, index) => actorNamed(`actor-${index}`));
  await Promise.all(actors.map((actor) => createActor(killed, actor)));
  copyFileSync(original, file);
  copyFileSync(`${original}-wal`, `${file}-wal`);
  await killed.close();
  // The first page comes first: it tells the new size before the other pages are there.
  const bytes = readFileSync(file);
  readFileSync(original).copy(bytes, 0, 0, bytes.readUInt16BE(16));
  writeFileSync(file, bytes);
  expect(bytes.length).toBeLessThan(statSync(original).size);

  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-2" });
  const rows = await Promise.all(actors.map((actor) => loadRow(store, actor)));
  expect(rows.every((row) => row?.revision === 1)).toBe(true);
  await store.close();
});

test.each([
  ["replaced by an older copy", (copy: string) => renameSync(copy, file)],
  ["removed", () => rmSync(file)],
])("takes no commit to a file that was %s while it was in use", async (_, replace) => {
  await writeGoodFile();
  const copy = `${file}.older`;
  copyFileSync(file, copy);
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-1" });
  await createActor(store, actorNamed("before"));
  replace(copy);
  await expect(createActor(store, actorNamed("after"))).rejects.toMatchObject({
    kind: "fatal",
    message: expect.stringContaining(`${file} was replaced or removed while it was in use`),
  });
  await expect(loadRow(store, actorNamed("before"))).rejects.toMatchObject({ kind: "fatal" });
  await store.close();
});

test("makes missing directories and files that only this user can read", async () => {
  file = join(dirname(file), "a", "b", "state.db");
  await writeGoodFile();
  for (const path of [dirname(file), dirname(dirname(file))]) {
    expect(statSync(path).mode & PERMISSION_BITS).toBe(0o700);
  }
  for (const name of readdirSync(dirname(file))) {
    expect(statSync(join(dirname(file), name)).mode & PERMISSION_BITS).toBe(0o600);
  }
});

test("takes an empty file for a new one, and what an interrupted creation left", async () => {
  writeFileSync(file, "");
  writeFileSync(`${file}.new`, "half of a draft");
  await writeGoodFile();
  expect(existsSync(`${file}.new`)).toBe(false);
});

test("fails a load rather than say that there is no row, when the row is missing", async () => {
  await writeGoodFile();
  inspect((database) => database.exec("DELETE FROM spawn_actor WHERE id = 1"));
  const store = sqliteStatestore({ file });
  await store.open({ owner: "session-2" });
  const names = Array.from({ length: MANY_ACTORS }, (_, index) => `actor-${index}`);
  const results = await Promise.allSettled(names.map((name) => loadRow(store, actorNamed(name))));
  const failures = results.filter((result) => result.status === "rejected");
  expect(failures).toHaveLength(1);
  expect(String(failures[0]?.reason)).toMatch(
    /damaged: the row of shop\/counter\/actor-\d+ is missing/,
  );
  await store.close();
});

test.each([
  ["its row is missing", "DELETE FROM spawn_actor WHERE id = 1"],
  ["its tags are damaged", "UPDATE spawn_actor SET tags = '{' WHERE id = 1"],
  ["its codec is unknown", "UPDATE spawn_actor SET codec = 7 WHERE id = 1"],
  ["its tags are bytes", "UPDATE spawn_actor SET tags = x'00' WHERE id = 1"],
  ["its state is a number", "UPDATE spawn_actor SET state = 5, key_id = NULL WHERE id = 1"],
  ["its etag is a number", "UPDATE spawn_actor SET etag = 5 WHERE id = 1"],
  [
    "its time is too large a number",
    "UPDATE spawn_actor SET at = 9223372036854775807 WHERE id = 1",
  ],
])("refuses one actor when %s, and no other that is loaded with it", async (_what, damage) => {
  const counter = actor("counter", {
    kind: "unnamed",
    state: () => ({ n: 0 }),
    actions: { bump: (ctx) => ++ctx.state.n },
  });
  const startSystem = async (): Promise<ActorSystem> => {
    const system = actorSystem("damaged", {
      actors: [counter],
      statestore: sqliteStatestore({ file }),
      handleSignals: false,
    });
    await system.start();
    return system;
  };
  const names = ["a", "b", "c"];
  const before = await startSystem();
  for (const name of names) await before.actor(counter, name).bump();
  await before.stop();
  inspect((database) => database.exec(damage));
  await using after = await startSystem();
  const outcomes = names.map((name) =>
    after
      .actor(counter, name)
      .bump()
      .catch((error: { code: string }) => error.code),
  );
  expect(await Promise.all(outcomes)).toEqual(["STATE_CORRUPT", 2, 2]);
  const ends = names.map((name) => after.stored(counter, name).delete());
  // Where there is no row that can be read, there is no etag that would guard the delete.
  const isWithout = damage.startsWith("DELETE") || /etag|at =/.test(damage);
  const ended = isWithout ? "rejected" : "fulfilled";
  const settled = await Promise.allSettled(ends);
  expect(settled.map(({ status }) => status)).toEqual([ended, "fulfilled", "fulfilled"]);
});

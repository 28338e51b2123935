/**
 * One opener a file. A tiny SQLite database beside it is held in an exclusive transaction for as long
 * as the file is open: the kernel lets go of it when the process dies, however it dies, and SQLite
 * itself refuses a second opening in this process. A pid file would have to be cleaned up, and
 * `locking_mode=EXCLUSIVE` on the file itself would shut out people who want to look into it.
 */
import { closeSync, existsSync, openSync } from "node:fs";
import type * as sqliteModule from "node:sqlite";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { resultCode, SQLITE_BUSY } from "./sqlite-failures.ts";

export interface FileLock {
  release(): void;
}

const PRIVATE_FILE_MODE = 0o600;

/** @throws {SpawnError} `STATESTORE_UNAVAILABLE` when another has `file` open. */
export function acquireFileLock(file: string): FileLock {
  const path = `${file}.lock`;
  const sqlite = loadSqlite();
  let database: sqliteModule.DatabaseSync | undefined;
  try {
    createPrivate(path);
    database = new sqlite.DatabaseSync(path, { timeout: 0 });
    // Nothing is ever written, so there is nothing to journal.
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    throw lockError(file, cause);
  }
  const held = database;
  return { release: () => held.close() };
}

/**
 * Not imported: an older Node has none, and could not load the library that says which one is needed.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`
 */
function loadSqlite(): typeof sqliteModule {
  const sqlite: unknown = process.getBuiltinModule("node:sqlite");
  if (sqlite !== undefined) return sqlite as typeof sqliteModule;
  const got = process.versions.node;
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `node:sqlite is not there: expected Node 24.15 or newer, got ${got}`,
  );
}

/**
 * Only creates it. Opening the file otherwise and closing it again would let go of a lock that this
 * process holds on it already: https://sqlite.org/howtocorrupt.html, section 2.2.
 */
function createPrivate(path: string): void {
  if (existsSync(path)) return;
  closeSync(openSync(path, "ax", PRIVATE_FILE_MODE));
}

function lockError(file: string, cause: unknown): SpawnError {
  const text =
    resultCode(cause) === SQLITE_BUSY
      ? `${file} is in use: another process, or another statestore of this one, has it open`
      : `${file} cannot be opened for writing: ${describeThrown(cause)}`;
  return new SpawnError("STATESTORE_UNAVAILABLE", text, { cause });
}

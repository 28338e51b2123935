/**
 * One opener a file. A tiny SQLite database beside it is held in an exclusive transaction for as long
 * as the file is open: the kernel lets go of it when the process dies, however it dies, and SQLite
 * itself refuses a second opening in this process. A pid file would have to be cleaned up, and
 * `locking_mode=EXCLUSIVE` on the file itself would shut out people who want to look into it.
 */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import type * as sqliteModule from "node:sqlite";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { resultCode, SQLITE_BUSY } from "./sqlite-failures.ts";

export interface FileLock {
  release(): void;
  /** As {@link FileLock.release}, and takes the lock's own file away if it was not there before. */
  undo(): void;
}

const PRIVATE_FILE_MODE = 0o600;

/** @throws {SpawnError} `STATESTORE_UNAVAILABLE` when another has `file` open. */
export function acquireFileLock(file: string): FileLock {
  const path = `${file}.lock`;
  const sqlite = loadSqlite();
  let database: sqliteModule.DatabaseSync | undefined;
  let isNew: boolean;
  try {
    isNew = createPrivate(path);
    const inode = inodeOf(path);
    database = new sqlite.DatabaseSync(path, { timeout: 0 });
    // Nothing is ever written, so there is nothing to journal.
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    // Whoever had it may have taken it away meanwhile, and then nobody else would find it here.
    if (inode === undefined || inodeOf(path) !== inode)
      throw new Error("its lock was taken away; try again");
  } catch (cause) {
    database?.close();
    throw lockError(file, cause);
  }
  const held = database;
  return {
    release: () => held.close(),
    undo() {
      try {
        if (isNew) rmSync(path);
      } catch {
        // It does no harm there.
      } finally {
        held.close();
      }
    },
  };
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
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
 * Only creates it, and answers whether it was not there. Opening the file otherwise and closing it again would
 * let go of a lock that this process holds on it already: https://sqlite.org/howtocorrupt.html, section 2.2.
 */
function createPrivate(path: string): boolean {
  if (inodeOf(path) !== undefined) return false;
  closeSync(openSync(path, "ax", PRIVATE_FILE_MODE));
  return true;
}

function lockError(file: string, cause: unknown): SpawnError {
  const text =
    resultCode(cause) === SQLITE_BUSY
      ? `${file} is in use: another process, or another statestore of this one, has it open`
      : `${file} cannot be opened for writing: ${describeThrown(cause)}`;
  return new SpawnError("STATESTORE_UNAVAILABLE", text, { cause });
}

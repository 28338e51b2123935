/**
 * The one connection that writes. Durable at every COMMIT: the log (WAL) is synced by it
 * (`synchronous=FULL`). After an error that leaves the connection in doubt it is closed and opened
 * anew, and what the log holds is carried into the file and synced there before the next commit
 * builds on it: pages that an operating system could not write may be gone although they can
 * still be read (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { migrate, SCHEMA_VERSION } from "./migrations.ts";

export interface ConnectionOptions {
  readonly file: string;
  /** How long to wait for a lock that another program holds on the file. */
  readonly busyTimeoutMs: number;
  readonly rowSizeMaxBytes: number;
}

/** How durable a commit is, as the writing connection itself reports it. */
export interface SqliteDurability {
  /** `wal` */
  readonly journalMode: string;
  /** 2 is `FULL`: every COMMIT syncs the log. */
  readonly synchronous: number;
}

/** Files up to this size are checked completely when they are opened; it takes some milliseconds. */
const FULL_CHECK_SIZE_MAX_BYTES = 8 * 1024 * 1024;
/** The log is carried into the file when it has this many pages: rarely, and never too long at once. */
const CHECKPOINT_PAGES = 4000;
const CACHE_KIBIBYTES = 65_536;

/** Opens a file that `prepareFile` has made or approved. */
export function openConnection(options: ConnectionOptions): DatabaseSync {
  const { file, busyTimeoutMs, rowSizeMaxBytes } = options;
  checkContent(file, busyTimeoutMs);
  const limited = { timeout: busyTimeoutMs, limits: { length: rowSizeMaxBytes } };
  const database = new DatabaseSync(file, limited);
  try {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA cache_size = -${CACHE_KIBIBYTES};
      PRAGMA trusted_schema = OFF;
    `);
    const version = schemaVersion(database);
    if (version < SCHEMA_VERSION) {
      migrate(database, version);
      // The header must tell the version to a program that does not know it.
      carryOver(database);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Carries the log into the file and syncs it. */
export function carryOver(database: DatabaseSync): void {
  const row = prepareArrays(database, "PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (firstColumn(row) !== 0) throw new Error("the log is in use by another program");
}

export function readDurability(database: DatabaseSync): SqliteDurability {
  return {
    journalMode: String(firstColumn(prepareArrays(database, "PRAGMA journal_mode").get())),
    synchronous: Number(firstColumn(prepareArrays(database, "PRAGMA synchronous").get())),
  };
}

/** A statement whose rows are arrays. */
export function prepareArrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** A connection that cannot write looks first: a damaged file is refused as it is. */
function checkContent(file: string, busyTimeoutMs: number): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs });
  try {
    const size = prepareArrays(
      database,
      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    );
    schemaVersion(database);
    if (Number(firstColumn(size.get())) > FULL_CHECK_SIZE_MAX_BYTES) return;
    const finding = firstColumn(prepareArrays(database, "PRAGMA quick_check(1)").get());
    if (finding !== "ok") throw new Error(`it is damaged: ${String(finding)}`);
  } finally {
    database.close();
  }
}

function schemaVersion(database: DatabaseSync): number {
  const sql = "SELECT value FROM spawn_meta WHERE name = 'schema_version'";
  const version = Number(firstColumn(prepareArrays(database, sql).get()));
  if (!Number.isInteger(version)) throw new Error("it is damaged: its schema has no version");
  return version;
}

function firstColumn(row: unknown): unknown {
  return Array.isArray(row) ? row[0] : undefined;
}

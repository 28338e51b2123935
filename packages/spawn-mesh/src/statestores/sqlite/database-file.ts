/**
 * The file, before SQLite may touch it.
 *
 * Opening a file with SQLite can change it: a log that was left behind is carried over, even into a
 * file that belongs to somebody else. So the header is read first, as plain bytes, and what is not
 * ours is refused: https://sqlite.org/fileformat2.html#the_database_header. A new file is made under
 * another name and renamed when it is complete, so that a file under its own name always has a header
 * that can be trusted. All of it happens under the lock of `file-lock.ts`.
 */
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrate, SCHEMA_VERSION } from "./migrations.ts";

const PRIVATE_FILE_MODE = 0o600;

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\u0000";
const PAGE_SIZE_OFFSET = 16;
/** How the page size of 65 536 is written. */
const LARGEST_PAGE_SIZE_CODE = 1;
const LARGEST_PAGE_SIZE = 65_536;
const CHANGE_COUNTER_OFFSET = 24;
const PAGE_COUNT_OFFSET = 28;
const USER_VERSION_OFFSET = 60;
const APPLICATION_ID_OFFSET = 68;
const VERSION_VALID_FOR_OFFSET = 92;

/** "SpMe": marks a file as ours. */
const APPLICATION_ID = 0x53_70_4d_65;

/**
 * Makes the file if there is none.
 *
 * @throws {Error} with what is wrong when there is a file that cannot be used; it is left as it is.
 */
export function prepareFile(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) throw new Error("it is not a file");
  if (stats === undefined || stats.size === 0) return createFile(file);
  accessSync(file, constants.R_OK | constants.W_OK);
  const header = readHeader(file);
  checkHeader(header);
  // The log is carried over first page first: until the last one is there, the header counts pages
  // that only the log has.
  if (!hasLog(file) && stats.size < sizeByHeader(header)) {
    throw new Error("it is damaged: a part of it is missing");
  }
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function createFile(file: string): void {
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  rmSync(`${draft}-journal`, { force: true });
  // A log without its file belongs to nobody.
  rmSync(`${file}-wal`, { force: true });
  closeSync(openSync(draft, "wx", PRIVATE_FILE_MODE));
  const database = new DatabaseSync(draft);
  try {
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    migrate(database, 0);
    database.exec("PRAGMA journal_mode = WAL");
  } finally {
    database.close();
  }
  renameSync(draft, file);
  syncDirectory(dirname(file));
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readHeader(file: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(file, "r");
  try {
    return header.subarray(0, readSync(descriptor, header));
  } finally {
    closeSync(descriptor);
  }
}

function checkHeader(header: Buffer): void {
  if (header.length < HEADER_BYTES || header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new Error("it is not a SQLite database");
  }
  if (header.readUInt32BE(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
    throw new Error("it is a SQLite database of another program");
  }
  const version = header.readUInt32BE(USER_VERSION_OFFSET);
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `its schema has version ${version}, this program knows ${SCHEMA_VERSION}: use a newer program`,
    );
  }
}

/** The size that the file should have; 0 when the header does not know. */
function sizeByHeader(header: Buffer): number {
  const isValid =
    header.readUInt32BE(CHANGE_COUNTER_OFFSET) === header.readUInt32BE(VERSION_VALID_FOR_OFFSET);
  if (!isValid) return 0;
  const code = header.readUInt16BE(PAGE_SIZE_OFFSET);
  const pageSize = code === LARGEST_PAGE_SIZE_CODE ? LARGEST_PAGE_SIZE : code;
  return pageSize * header.readUInt32BE(PAGE_COUNT_OFFSET);
}

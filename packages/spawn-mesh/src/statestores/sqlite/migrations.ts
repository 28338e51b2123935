/**
 * The tables, as numbered steps. Forward only: a file of a newer version is refused, never changed.
 *
 * Names and rows are two tables. `spawn_name` is looked at when an actor is loaded or created and
 * compares byte by byte, so no row can be taken for another's. `spawn_actor` is an ordinary rowid
 * table that commits reach by rowid; without names its rows are short, a batch touches fewer pages,
 * and pages are what a commit costs. Names that are near one another share pages too, which a hash
 * of them would prevent: with 256 creates a batch, names that count up measured 99 000 a second
 * against 54 000 with a unique hash. Random names cost about the same either way, around 35 000.
 *
 * The version stands in `spawn_meta`, and as `user_version` in the file's header, where it can be
 * read before SQLite opens the file.
 */
import type { DatabaseSync } from "node:sqlite";

/** Each step brings the tables from the version of its index to the next one. */
const migrations: readonly string[] = [
  `
  CREATE TABLE spawn_meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE spawn_name (
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    system TEXT NOT NULL,
    actor_id INTEGER NOT NULL,
    PRIMARY KEY (name, definition, system)
  ) WITHOUT ROWID;

  CREATE TABLE spawn_owner (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  );

  CREATE TABLE spawn_actor (
    id INTEGER PRIMARY KEY,          -- the handle
    epoch INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,       -- a number, since it is in every row
    base_etag BLOB,
    kept_at INTEGER,
    is_deleted INTEGER NOT NULL,
    etag BLOB NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    state_version INTEGER NOT NULL,
    tags TEXT,                       -- JSON
    key_id TEXT,                     -- the key that state is encrypted with; NULL: none
    state BLOB                       -- TEXT when it is JSON
  );

  CREATE TABLE spawn_history (
    actor_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    etag BLOB NOT NULL,
    at INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    state_version INTEGER NOT NULL,
    tags TEXT,
    key_id TEXT,
    state BLOB NOT NULL,
    PRIMARY KEY (actor_id, revision)
  ) WITHOUT ROWID;

  CREATE TABLE spawn_inbox (
    actor_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    key_id TEXT,
    reply TEXT,                      -- JSON; BLOB when it is encrypted
    is_reply_dropped INTEGER NOT NULL, -- it was too large
    expire_at INTEGER NOT NULL,
    PRIMARY KEY (actor_id, key)
  ) WITHOUT ROWID;
  CREATE INDEX spawn_inbox_expire_at ON spawn_inbox (expire_at);
  `,
  `
  ALTER TABLE spawn_inbox ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE spawn_message (
    position INTEGER PRIMARY KEY,    -- in line: later ones have higher numbers
    id TEXT NOT NULL UNIQUE,
    source TEXT,                     -- an actor, as a JSON array of system, definition and name
    target TEXT NOT NULL,            -- the same
    action TEXT NOT NULL,
    key_id TEXT,
    payload TEXT,                    -- JSON; BLOB when it is encrypted
    headers TEXT NOT NULL,           -- JSON
    flags INTEGER NOT NULL,          -- 1 ordered, 2 a timer of its source
    sent_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT
  );
  CREATE INDEX spawn_message_lane ON spawn_message (source, target) WHERE flags & 1;
  CREATE INDEX spawn_message_timer ON spawn_message (source) WHERE flags & 2;

  CREATE TABLE spawn_parked (
    id TEXT PRIMARY KEY,
    source TEXT,
    target TEXT NOT NULL,
    action TEXT NOT NULL,
    key_id TEXT,
    payload TEXT,
    headers TEXT NOT NULL,
    flags INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    parked_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX spawn_parked_parked_at ON spawn_parked (parked_at);

  CREATE TABLE spawn_key (
    id TEXT PRIMARY KEY,
    proof BLOB NOT NULL              -- something that it has encrypted
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE spawn_message ADD COLUMN is_first INTEGER NOT NULL DEFAULT 1; -- of its lane, if it has one
  ALTER TABLE spawn_message ADD COLUMN is_unanswered INTEGER NOT NULL DEFAULT 0; -- since it was claimed
  UPDATE spawn_message AS m SET is_first = NOT EXISTS (SELECT 1 FROM spawn_message AS e
    WHERE e.source = m.source AND e.target = m.target AND e.flags & 1 AND e.position < m.position)
    WHERE flags & 1;
  CREATE INDEX spawn_message_due_at ON spawn_message (is_first, due_at);
  CREATE INDEX spawn_message_doubtful ON spawn_message (due_at)
    WHERE is_first AND is_unanswered AND attempts >= 2;

  CREATE TABLE spawn_index (
    definition TEXT NOT NULL,
    system TEXT NOT NULL,
    field TEXT NOT NULL,
    value BLOB NOT NULL,             -- bytes that compare as the values do
    name TEXT NOT NULL,
    actor_id INTEGER NOT NULL,
    PRIMARY KEY (definition, system, field, value, name)
  ) WITHOUT ROWID;
  CREATE INDEX spawn_index_actor ON spawn_index (actor_id, field);
  `,
];

/** The version of the tables that this program reads and writes. */
export const SCHEMA_VERSION: number = migrations.length;

/** Brings the tables of `database` from `version` to {@link SCHEMA_VERSION}, in one transaction. */
export function migrate(database: DatabaseSync, version: number): void {
  database.exec("BEGIN IMMEDIATE");
  for (const step of migrations.slice(version)) database.exec(step);
  database
    .prepare("INSERT OR REPLACE INTO spawn_meta (name, value) VALUES ('schema_version', ?)")
    .run(`${SCHEMA_VERSION}`);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec("COMMIT");
}

/**
 * The tables on PostgreSQL. Names compare byte by byte (`COLLATE "C"`); times are milliseconds since
 * 1970, as the platform has them. Rows of actors leave room on their pages, so that an update need not
 * touch an index. `key_id` is the key that the value after it is encrypted with, NULL for none; what may be
 * encrypted is kept as bytes, a text as UTF-8.
 */
import type { Migrations } from "../sql/migrations.ts";

export const migrations: Migrations = {
  hasVersions: "SELECT count(*) FROM pg_class WHERE oid = to_regclass('spawn_meta')",
  makeVersions: [
    `CREATE TABLE IF NOT EXISTS spawn_meta (name TEXT COLLATE "C" PRIMARY KEY, value TEXT NOT NULL)`,
  ],
  steps: [
    {
      oldest: 1,
      statements: [
        `CREATE TABLE IF NOT EXISTS spawn_actor (
          k BYTEA PRIMARY KEY CHECK (length(k) = 16),
          system TEXT COLLATE "C" NOT NULL,
          definition TEXT COLLATE "C" NOT NULL,
          name TEXT COLLATE "C" NOT NULL,
          type BYTEA NOT NULL,
          rev BIGINT NOT NULL,
          etag BYTEA NOT NULL CHECK (length(etag) = 16),
          base_etag BYTEA,
          epoch BIGINT NOT NULL,
          owner VARCHAR(64) NOT NULL,
          flags SMALLINT NOT NULL,
          codec SMALLINT NOT NULL,
          state_version INT NOT NULL,
          at BIGINT NOT NULL,
          kept_at BIGINT,
          tags TEXT,
          key_id TEXT,
          state BYTEA
        ) WITH (fillfactor = 70)`,
        `CREATE INDEX IF NOT EXISTS spawn_actor_type ON spawn_actor (type, k)`,
        `CREATE TABLE IF NOT EXISTS spawn_history (
          k BYTEA NOT NULL,
          rev BIGINT NOT NULL,
          etag BYTEA NOT NULL,
          at BIGINT NOT NULL,
          codec SMALLINT NOT NULL,
          state_version INT NOT NULL,
          flags SMALLINT NOT NULL,
          tags TEXT,
          key_id TEXT,
          state BYTEA NOT NULL,
          PRIMARY KEY (k, rev)
        )`,
        `CREATE TABLE IF NOT EXISTS spawn_index (
          k BYTEA NOT NULL,
          field TEXT COLLATE "C" NOT NULL,
          type BYTEA NOT NULL,
          value BYTEA NOT NULL,
          PRIMARY KEY (k, field)
        )`,
        `CREATE INDEX IF NOT EXISTS spawn_index_value ON spawn_index (type, field, value, k)`,
        `CREATE TABLE IF NOT EXISTS spawn_inbox (
          k BYTEA NOT NULL,
          id BYTEA NOT NULL,
          fingerprint TEXT NOT NULL,
          status SMALLINT NOT NULL,
          key_id TEXT,
          reply BYTEA,
          is_dropped SMALLINT NOT NULL,
          expire_at BIGINT NOT NULL,
          PRIMARY KEY (k, id)
        )`,
        `CREATE INDEX IF NOT EXISTS spawn_inbox_expire_at ON spawn_inbox (expire_at)`,
        `CREATE TABLE IF NOT EXISTS spawn_outbox (
          position BIGSERIAL PRIMARY KEY,
          id BYTEA NOT NULL UNIQUE,
          src BYTEA,
          lane BYTEA,
          dst BYTEA NOT NULL,
          source TEXT,
          target TEXT NOT NULL,
          action TEXT NOT NULL,
          key_id TEXT,
          payload BYTEA,
          units INT NOT NULL,
          headers TEXT NOT NULL,
          flags SMALLINT NOT NULL,
          sent_at BIGINT NOT NULL,
          due_at BIGINT NOT NULL,
          attempts BIGINT NOT NULL,
          is_unanswered SMALLINT NOT NULL DEFAULT 0,
          error TEXT
        )`,
        `CREATE INDEX IF NOT EXISTS spawn_outbox_due_at ON spawn_outbox (due_at, id)`,
        `CREATE INDEX IF NOT EXISTS spawn_outbox_alone ON spawn_outbox (due_at, position) WHERE lane IS NULL`,
        `CREATE INDEX IF NOT EXISTS spawn_outbox_lane ON spawn_outbox (lane, position) WHERE lane IS NOT NULL`,
        `CREATE INDEX IF NOT EXISTS spawn_outbox_src ON spawn_outbox (src) WHERE src IS NOT NULL`,
        `CREATE TABLE IF NOT EXISTS spawn_parked (
          id BYTEA PRIMARY KEY,
          src BYTEA,
          lane BYTEA,
          dst BYTEA NOT NULL,
          source TEXT,
          target TEXT NOT NULL,
          action TEXT NOT NULL,
          key_id TEXT,
          payload BYTEA,
          units INT NOT NULL,
          headers TEXT NOT NULL,
          flags SMALLINT NOT NULL,
          sent_at BIGINT NOT NULL,
          due_at BIGINT NOT NULL,
          attempts BIGINT NOT NULL,
          error TEXT,
          parked_at BIGINT NOT NULL
        )`,
        `CREATE INDEX IF NOT EXISTS spawn_parked_parked_at ON spawn_parked (parked_at, id)`,
        `CREATE TABLE IF NOT EXISTS spawn_key (id TEXT COLLATE "C" PRIMARY KEY, proof BYTEA NOT NULL)`,
      ],
    },
  ],
};

/**
 * The tables on MySQL and MariaDB. Everything that is compared is binary, and so is every text, so that
 * no collation and no character set has a say. These databases commit each change of a table by
 * itself, so every step may run twice.
 * `key_id` is the key that the value after it is encrypted with, NULL for none.
 */
import type { Migrations } from "../sql/migrations.ts";

const OPTIONS = "ENGINE = InnoDB DEFAULT CHARSET = utf8mb4";

export const migrations: Migrations = {
  hasVersions: `SELECT count(*) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'spawn_meta'`,
  makeVersions: [
    `CREATE TABLE IF NOT EXISTS spawn_meta (
      name VARBINARY(64) PRIMARY KEY,
      value VARBINARY(255) NOT NULL
    ) ${OPTIONS}`,
  ],
  steps: [
    {
      oldest: 1,
      statements: [
        `CREATE TABLE IF NOT EXISTS spawn_actor (
          k BINARY(16) PRIMARY KEY,
          "system" VARBINARY(1024) NOT NULL,
          definition VARBINARY(1024) NOT NULL,
          name VARBINARY(1024) NOT NULL,
          type BINARY(16) NOT NULL,
          rev BIGINT NOT NULL,
          etag BINARY(16) NOT NULL,
          base_etag BINARY(16),
          epoch BIGINT NOT NULL,
          owner VARBINARY(64) NOT NULL,
          flags SMALLINT NOT NULL,
          codec SMALLINT NOT NULL,
          state_version INT NOT NULL,
          at BIGINT NOT NULL,
          kept_at BIGINT,
          tags LONGBLOB,
          key_id VARBINARY(255),
          state LONGBLOB,
          INDEX spawn_actor_type (type, k)
        ) ${OPTIONS}`,
        `CREATE TABLE IF NOT EXISTS spawn_history (
          k BINARY(16) NOT NULL,
          rev BIGINT NOT NULL,
          etag BINARY(16) NOT NULL,
          at BIGINT NOT NULL,
          codec SMALLINT NOT NULL,
          state_version INT NOT NULL,
          flags SMALLINT NOT NULL,
          tags LONGBLOB,
          key_id VARBINARY(255),
          state LONGBLOB NOT NULL,
          PRIMARY KEY (k, rev)
        ) ${OPTIONS}`,
        `CREATE TABLE IF NOT EXISTS spawn_index (
          k BINARY(16) NOT NULL,
          field VARBINARY(64) NOT NULL,
          type BINARY(16) NOT NULL,
          value VARBINARY(1100) NOT NULL,
          PRIMARY KEY (k, field),
          INDEX spawn_index_value (type, field, value, k)
        ) ${OPTIONS}`,
        `CREATE TABLE IF NOT EXISTS spawn_inbox (
          k BINARY(16) NOT NULL,
          id VARBINARY(3000) NOT NULL,
          fingerprint VARBINARY(255) NOT NULL,
          status SMALLINT NOT NULL,
          key_id VARBINARY(255),
          reply LONGBLOB,
          is_dropped SMALLINT NOT NULL,
          expire_at BIGINT NOT NULL,
          PRIMARY KEY (k, id),
          INDEX spawn_inbox_expire_at (expire_at)
        ) ${OPTIONS}`,
        `CREATE TABLE IF NOT EXISTS spawn_outbox (
          position BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
          id VARBINARY(128) NOT NULL,
          src BINARY(16),
          lane BINARY(16),
          dst BINARY(16) NOT NULL,
          source BLOB,
          target BLOB NOT NULL,
          action BLOB NOT NULL,
          key_id VARBINARY(255),
          payload LONGBLOB,
          units INT NOT NULL,
          headers LONGBLOB NOT NULL,
          flags SMALLINT NOT NULL,
          sent_at BIGINT NOT NULL,
          due_at BIGINT NOT NULL,
          attempts BIGINT NOT NULL,
          is_unanswered SMALLINT NOT NULL DEFAULT 0,
          error BLOB,
          UNIQUE INDEX spawn_outbox_id (id),
          INDEX spawn_outbox_due_at (due_at),
          INDEX spawn_outbox_alone (lane, due_at),
          INDEX spawn_outbox_lane (lane, position),
          INDEX spawn_outbox_src (src, lane)
        ) ${OPTIONS}`,
        `CREATE TABLE IF NOT EXISTS spawn_parked (
          id VARBINARY(128) PRIMARY KEY,
          src BINARY(16),
          lane BINARY(16),
          dst BINARY(16) NOT NULL,
          source BLOB,
          target BLOB NOT NULL,
          action BLOB NOT NULL,
          key_id VARBINARY(255),
          payload LONGBLOB,
          units INT NOT NULL,
          headers LONGBLOB NOT NULL,
          flags SMALLINT NOT NULL,
          sent_at BIGINT NOT NULL,
          due_at BIGINT NOT NULL,
          attempts BIGINT NOT NULL,
          error BLOB,
          parked_at BIGINT NOT NULL,
          INDEX spawn_parked_parked_at (parked_at)
        ) ${OPTIONS}`,
        `CREATE TABLE IF NOT EXISTS spawn_key (
          id VARBINARY(255) PRIMARY KEY,
          proof BLOB NOT NULL
        ) ${OPTIONS}`,
      ],
    },
  ],
};

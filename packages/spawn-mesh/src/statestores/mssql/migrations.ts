/**
 * The tables on SQL Server. Everything that is compared is binary, and so is every text, so that no
 * collation has a say. A row whose key is there already is left out by `IGNORE_DUP_KEY`, which is what other
 * databases say in the statement. `key_id` is the key that the value after it is encrypted with, NULL
 * for none.
 */
import type { Migrations } from "../sql/migrations.ts";

/** An index takes 1 700 bytes of a row. */
const REPLY_KEY_BYTES_MAX = 1_684;

/** What messages have that wait, and those that were given up. */
const messageColumns = `src BINARY(16),
          lane BINARY(16),
          dst BINARY(16) NOT NULL,
          source VARBINARY(MAX),
          target VARBINARY(MAX) NOT NULL,
          action VARBINARY(MAX) NOT NULL,
          key_id VARBINARY(255),
          payload VARBINARY(MAX),
          units INT NOT NULL,
          headers VARBINARY(MAX) NOT NULL,
          flags SMALLINT NOT NULL,
          sent_at BIGINT NOT NULL,
          due_at BIGINT NOT NULL,
          attempts BIGINT NOT NULL`;

export const migrations: Migrations = {
  hasVersions: "SELECT count(*) FROM sys.tables WHERE object_id = OBJECT_ID('spawn_meta')",
  makeVersions: [
    table(
      "spawn_meta",
      `name VARBINARY(64) NOT NULL PRIMARY KEY WITH (IGNORE_DUP_KEY = ON),
      value VARBINARY(255) NOT NULL`,
    ),
  ],
  steps: [
    {
      oldest: 1,
      statements: [
        table(
          "spawn_actor",
          `k BINARY(16) NOT NULL PRIMARY KEY WITH (IGNORE_DUP_KEY = ON),
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
          tags VARBINARY(MAX),
          key_id VARBINARY(255),
          state VARBINARY(MAX),
          INDEX spawn_actor_type (type, k)`,
        ),
        table(
          "spawn_history",
          `k BINARY(16) NOT NULL,
          rev BIGINT NOT NULL,
          etag BINARY(16) NOT NULL,
          at BIGINT NOT NULL,
          codec SMALLINT NOT NULL,
          state_version INT NOT NULL,
          flags SMALLINT NOT NULL,
          tags VARBINARY(MAX),
          key_id VARBINARY(255),
          state VARBINARY(MAX) NOT NULL,
          PRIMARY KEY (k, rev)`,
        ),
        table(
          "spawn_index",
          `k BINARY(16) NOT NULL,
          field VARBINARY(64) NOT NULL,
          type BINARY(16) NOT NULL,
          value VARBINARY(1100) NOT NULL,
          PRIMARY KEY (k, field),
          INDEX spawn_index_value (type, field, value, k)`,
        ),
        table(
          "spawn_inbox",
          `k BINARY(16) NOT NULL,
          id VARBINARY(${REPLY_KEY_BYTES_MAX}) NOT NULL,
          fingerprint VARBINARY(255) NOT NULL,
          status SMALLINT NOT NULL,
          key_id VARBINARY(255),
          reply VARBINARY(MAX),
          is_dropped SMALLINT NOT NULL,
          expire_at BIGINT NOT NULL,
          PRIMARY KEY NONCLUSTERED (k, id),
          INDEX spawn_inbox_expire_at CLUSTERED (expire_at)`,
        ),
        table(
          "spawn_outbox",
          `position BIGINT IDENTITY NOT NULL PRIMARY KEY,
          id VARBINARY(128) NOT NULL UNIQUE WITH (IGNORE_DUP_KEY = ON),
          ${messageColumns},
          is_unanswered SMALLINT NOT NULL DEFAULT 0,
          error VARBINARY(MAX),
          INDEX spawn_outbox_due_at (due_at, id),
          INDEX spawn_outbox_alone (lane, due_at, position),
          INDEX spawn_outbox_lane (lane, position),
          INDEX spawn_outbox_src (src, lane)`,
        ),
        table(
          "spawn_parked",
          `id VARBINARY(128) NOT NULL PRIMARY KEY,
          ${messageColumns},
          error VARBINARY(MAX),
          parked_at BIGINT NOT NULL,
          INDEX spawn_parked_parked_at (parked_at, id)`,
        ),
        table(
          "spawn_key",
          `id VARBINARY(255) NOT NULL PRIMARY KEY WITH (IGNORE_DUP_KEY = ON),
          proof VARBINARY(MAX) NOT NULL`,
        ),
      ],
    },
  ],
};

function table(name: string, columns: string): string {
  return `IF OBJECT_ID('${name}', 'U') IS NULL CREATE TABLE ${name} (
      ${columns}
    )`;
}

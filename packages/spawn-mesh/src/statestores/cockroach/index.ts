/**
 * The statestore on CockroachDB, version 23.1 or newer: PostgreSQL's, with what differs. The driver is
 * the package `pg`.
 *
 * There are no locks by number, so processes that migrate wait for one another by a row. A table may be
 * changed once in a statement, so what belongs to a group of commits follows their decision in the same
 * transaction. Numbers of rows do not count up, so places in line come from a sequence. A transaction that
 * was in another's way is run again.
 */
import type { Statestore } from "../../engine/statestore.ts";
import { pgStatestore } from "../postgres/pg-statestore.ts";
import type { PostgresStatestoreOptions } from "../postgres/postgres-options.ts";
import { cockroachDialect } from "./cockroach-dialect.ts";

export type { PostgresStatestoreOptions } from "../postgres/postgres-options.ts";
export type { TlsMaterial } from "../sql/tls-material.ts";

/**
 * A statestore on a CockroachDB database.
 *
 * @param options the address is one of PostgreSQL: `postgres://USER:PASSWORD@HOST:26257/DATABASE`
 * @throws {SpawnError} `INVALID_ARGUMENT` for an address or a limit that cannot be
 */
export function cockroachStatestore(options: PostgresStatestoreOptions): Statestore {
  return pgStatestore(options, {
    dialect: cockroachDialect,
    port: 26_257,
    settings: [],
    beforeLock: [
      ...cockroachDialect.migrations.makeVersions,
      "INSERT INTO spawn_meta (name, value) VALUES ('migration_lock', '0') ON CONFLICT (name) DO NOTHING",
    ],
    lock: "SELECT value FROM spawn_meta WHERE name = 'migration_lock' FOR UPDATE",
  });
}

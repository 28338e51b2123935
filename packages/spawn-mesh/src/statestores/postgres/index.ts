/**
 * The statestore on PostgreSQL, version 13 or newer. The driver is the package `pg`, which is installed
 * beside this one and loaded when the statestore is opened.
 */
import type { Statestore } from "../../engine/statestore.ts";
import { pgStatestore } from "./pg-statestore.ts";
import { postgresDialect } from "./postgres-dialect.ts";
import type { PostgresStatestoreOptions } from "./postgres-options.ts";

export type { PostgresStatestoreOptions } from "./postgres-options.ts";
export type { TlsMaterial } from "../sql/tls-material.ts";

/** Processes that migrate wait for one another by this number; the first letters of the library's name. */
const MIGRATION_LOCK = 0x7370_6177;

/**
 * A statestore on a PostgreSQL database. Any number of processes may have it open: what one of them
 * writes to an actor, an older activation in another cannot overwrite.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for an address or a limit that cannot be
 */
export function postgresStatestore(options: PostgresStatestoreOptions): Statestore {
  return pgStatestore(options, {
    dialect: postgresDialect,
    port: 5432,
    settings: [
      // A plan that was made when the tables were empty reads all of them, however large they are now.
      "SET plan_cache_mode = force_custom_plan",
      "SET jit = off",
    ],
    beforeLock: [],
    lock: `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`,
  });
}

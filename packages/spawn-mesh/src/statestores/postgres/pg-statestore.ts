/** A statestore on a server that speaks PostgreSQL's protocol, whichever that is. */
import type { Statestore } from "../../engine/statestore.ts";
import { loadDriver } from "../sql/connecting.ts";
import type { Dialect } from "../sql/dialect.ts";
import { SqlStatestore } from "../sql/sql-statestore.ts";
import { type PgPool, PostgresDriver, type PostgresSession } from "./postgres-driver.ts";
import { type PostgresStatestoreOptions, resolvePostgres } from "./postgres-options.ts";

/** What differs between the servers. */
export interface PgServer extends Omit<PostgresSession, "settings"> {
  readonly dialect: Dialect;
  /** Where it listens unless the address says otherwise. */
  readonly port: number;
  /** Statements that begin every connection, beside those that set its time-outs. */
  readonly settings: readonly string[];
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for an address or a limit that cannot be */
export function pgStatestore(options: PostgresStatestoreOptions, server: PgServer): Statestore {
  const { pool, address, statementTimeoutMs, lockTimeoutMs } = resolvePostgres(
    options,
    server.port,
  );
  const { dialect, settings, beforeLock, lock } = server;
  const timeouts = [
    `SET statement_timeout = ${statementTimeoutMs}`,
    `SET lock_timeout = ${lockTimeoutMs}`,
  ];
  return new SqlStatestore({
    dialect,
    address,
    connectionsMax: pool.max,
    async load() {
      const { Pool } = (await loadDriver("pg", () => import("pg"))).default;
      const session = { settings: [...timeouts, ...settings].join("; "), beforeLock, lock };
      return new PostgresDriver(new Pool(pool) as unknown as PgPool, session);
    },
  });
}

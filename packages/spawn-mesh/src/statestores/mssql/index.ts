/**
 * The statestore on Microsoft SQL Server, version 2016 or newer, and Azure SQL. The driver is the package
 * `mssql`, which is installed beside this one and loaded when the statestore is opened.
 */
import type { Statestore } from "../../engine/statestore.ts";
import { SqlStatestore } from "../sql/sql-statestore.ts";
import { mssqlDialect } from "./mssql-dialect.ts";
import { loadMssql, MssqlDriver } from "./mssql-driver.ts";
import { type MssqlStatestoreOptions, resolveMssql } from "./mssql-options.ts";

export type { MssqlStatestoreOptions } from "./mssql-options.ts";
export type { TlsMaterial } from "../sql/tls-material.ts";

/**
 * A statestore on a SQL Server database. Any number of processes may have it open: what one of them
 * writes to an actor, an older activation in another cannot overwrite.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for an address or a limit that cannot be
 */
export function mssqlStatestore(options: MssqlStatestoreOptions): Statestore {
  const { config, address, connectionsMax, settings } = resolveMssql(options);
  return new SqlStatestore({
    dialect: mssqlDialect,
    address,
    connectionsMax,
    load: async () => new MssqlDriver(await loadMssql(), config, settings),
  });
}

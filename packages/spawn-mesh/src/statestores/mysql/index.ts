/**
 * The statestore on MySQL, version 8 or newer, and on MariaDB, version 10.6 or newer. The driver is the
 * package `mysql2`, which is installed beside this one and loaded when the statestore is opened.
 */
import type { Statestore } from "../../engine/statestore.ts";
import { loadDriver } from "../sql/connecting.ts";
import { SqlStatestore } from "../sql/sql-statestore.ts";
import { mysqlDialect } from "./mysql-dialect.ts";
import { MysqlDriver, type MysqlPool } from "./mysql-driver.ts";
import { type MysqlStatestoreOptions, resolveMysql } from "./mysql-options.ts";

export type { MysqlStatestoreOptions } from "./mysql-options.ts";
export type { TlsMaterial } from "../sql/tls-material.ts";

/**
 * A statestore on a MySQL or MariaDB database. Any number of processes may have it open: what one of
 * them writes to an actor, an older activation in another cannot overwrite.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for an address or a limit that cannot be
 */
export function mysqlStatestore(options: MysqlStatestoreOptions): Statestore {
  const { pool, address, session } = resolveMysql(options);
  return new SqlStatestore({
    dialect: mysqlDialect,
    address,
    connectionsMax: pool.connectionLimit,
    async load() {
      const { createPool } = await loadDriver("mysql2", () => import("mysql2/promise"));
      const options = pool as Parameters<typeof createPool>[0];
      return new MysqlDriver(createPool(options) as unknown as MysqlPool, session);
    },
  });
}

/** A SQL Server for tests: the one of `SPAWN_TEST_MSSQL_URL`. There is none that could be installed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadMssql, MssqlDriver } from "../../src/statestores/mssql/mssql-driver.ts";
import { resolveMssql } from "../../src/statestores/mssql/mssql-options.ts";
import { text, type SqlResult } from "../../src/statestores/sql/sql.ts";
import { GivenServer, type TestDatabase } from "./test-database.ts";

const given = process.env["SPAWN_TEST_MSSQL_URL"];
/** It is large, and of no use without a server. */
const isInstalled = existsSync(
  join(import.meta.dirname, "../../../../node_modules/mssql/package.json"),
);

export const mssqlDatabase: TestDatabase = {
  name: "mssql",
  missing:
    given === undefined || !isInstalled
      ? "SPAWN_TEST_MSSQL_URL, and npm install --no-save mssql"
      : undefined,
  start: async () =>
    new GivenServer(given!, {
      async createPlace(address, name) {
        await administerMssql(given!, `CREATE DATABASE ${name}`);
        await administerMssql(given!, `ALTER DATABASE ${name} SET READ_COMMITTED_SNAPSHOT ON`);
        address.pathname = name;
      },
      listTables: async (place) =>
        (await administerMssql(place, "SELECT name FROM sys.tables")).map(([name]) => String(name)),
      run: administerMssql,
    }),
};

/** Runs statements as somebody who may do everything. */
async function administerMssql(url: string, statements: string): Promise<SqlResult["rows"]> {
  const { config, settings } = resolveMssql({ url });
  const driver = new MssqlDriver(await loadMssql(), config, settings);
  try {
    return (await driver.query(text(statements))).rows;
  } finally {
    await driver.close();
  }
}

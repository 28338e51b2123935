/** A MariaDB server for tests: the one of `SPAWN_TEST_MARIADB_URL`, or a private one. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { freePort, serverDirectory, ServerProcess, serverUser } from "./server-process.ts";
import { GivenServer, ownServer, type OwnServer, type TestDatabase } from "./test-database.ts";

const SERVER = "/usr/sbin/mariadbd";
const INSTALLER = "/usr/bin/mariadb-install-db";
const USER = "spawn";
export const MARIADB_PASSWORD = "a secret/of:tests@";

const given = process.env["SPAWN_TEST_MARIADB_URL"];

export const mariadb: TestDatabase = {
  name: "mariadb",
  missing:
    given === undefined && !(existsSync(SERVER) && existsSync(INSTALLER))
      ? "apt-get install mariadb-server, or SPAWN_TEST_MARIADB_URL"
      : undefined,
  start: () => (given === undefined ? startMariadb() : Promise.resolve(databasesOf(given))),
};

/** A real MySQL, where somebody has one. */
const givenMysql = process.env["SPAWN_TEST_MYSQL_URL"];

export const mysqlDatabase: TestDatabase = {
  name: "mysql",
  missing: givenMysql === undefined ? "SPAWN_TEST_MYSQL_URL" : undefined,
  start: () => Promise.resolve(databasesOf(givenMysql!)),
};

/** Databases, one for each who asks. */
function databasesOf(url: string): GivenServer {
  return new GivenServer(url, {
    async createPlace(address, name) {
      await administerMysql(url, `CREATE DATABASE ${name}`);
      address.pathname = name;
    },
    async listTables(place) {
      const rows = (await administerMysql(place, "SHOW TABLES")) as readonly object[];
      return rows.map((row) => String(Object.values(row)[0]));
    },
    run: administerMysql,
  });
}

/**
 * @param settings of the server, beside those that a new installation has
 * @param parent of its data directory; default: the directory for temporary files
 */
export async function startMariadb(
  settings: Readonly<Record<string, string>> = {},
  parent?: string,
): Promise<OwnServer> {
  const user = serverUser("mysql");
  const directory = serverDirectory("mariadb", user, parent);
  const data = join(directory, "data");
  const run = { ...user, cwd: directory, stdio: "pipe" } as const;
  execFileSync(
    INSTALLER,
    [
      "--no-defaults",
      `--datadir=${data}`,
      `--tmpdir=${directory}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ],
    run,
  );
  const port = await freePort();
  const socket = join(directory, "socket");
  const root = `mysql://root@127.0.0.1:${port}/mysql`;
  const url = `mariadb://${USER}:${encodeURIComponent(MARIADB_PASSWORD)}@127.0.0.1:${port}/mysql`;
  const all = {
    datadir: data,
    // A server that starts removes what others have in a directory for temporary tables that they share.
    tmpdir: directory,
    socket,
    port: `${port}`,
    bind_address: "127.0.0.1",
    pid_file: join(directory, "pid"),
    max_allowed_packet: "128M",
    innodb_flush_log_at_trx_commit: "1",
    ...settings,
  };
  const server = new ServerProcess({
    user,
    directory,
    command: [
      SERVER,
      "--no-defaults",
      ...Object.entries(all).map(([name, value]) => `--${name.replaceAll("_", "-")}=${value}`),
    ],
    isReady: () =>
      administerMysql(root, "SELECT 1").then(
        () => true,
        () => false,
      ),
  });
  await server.start();
  await administerMysql(
    root,
    `CREATE USER ${USER} IDENTIFIED BY '${MARIADB_PASSWORD}'; GRANT ALL ON *.* TO ${USER} WITH GRANT OPTION`,
  );
  return ownServer({ url, port, process: server, places: databasesOf(url) });
}

/** Runs statements as somebody who may do everything. */
export async function administerMysql(url: string, statements: string): Promise<unknown> {
  const connection = await connect(url);
  try {
    return (await connection.query(statements))[0];
  } finally {
    connection.destroy();
  }
}

/** How many rows and entries of indexes were looked at in the whole server. */
export async function countMysqlLooks(url: string): Promise<number> {
  const rows = await administerMysql(url, "SHOW GLOBAL STATUS LIKE 'Handler_read%'");
  const counts = (rows as readonly { readonly Value: unknown }[]).map(({ Value }) => Number(Value));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Holds all rows of actors, as a transaction of somebody else does; the answer ends it. */
export async function lockActorsOfMysql(url: string): Promise<() => Promise<void>> {
  const connection = await connect(url);
  await connection.query("START TRANSACTION");
  await connection.query("SELECT 1 FROM spawn_actor FOR UPDATE");
  return async () => connection.destroy();
}

async function connect(url: string): Promise<mysql.Connection> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const connection = await mysql.createConnection({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    multipleStatements: true,
    connectTimeout: 2_000,
  });
  // The end of the server is no news here.
  connection.on("error", () => undefined);
  return connection;
}

/** A MariaDB server for tests: the one of `SPAWN_TEST_MARIADB_URL`, or a private one. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { freePort, serverDirectory, ServerProcess, serverUser } from "./server-process.ts";
import type { TestDatabase, TestDatabaseServer } from "./test-database.ts";

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
  start: () => (given === undefined ? startMariadb() : Promise.resolve(new Databases(given))),
};

/** A real MySQL, where somebody has one. */
const givenMysql = process.env["SPAWN_TEST_MYSQL_URL"];

export const mysqlDatabase: TestDatabase = {
  name: "mysql",
  missing: givenMysql === undefined ? "SPAWN_TEST_MYSQL_URL" : undefined,
  start: () => Promise.resolve(new Databases(givenMysql!)),
};

/** Databases, one for each who asks. */
class Databases implements TestDatabaseServer {
  readonly #url: string;
  #count = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get port(): number {
    return Number(new URL(this.#url).port || 3306);
  }

  async createPlace(): Promise<string> {
    const name = `place_${process.pid}_${Date.now()}_${++this.#count}`;
    await administerMysql(this.#url, `CREATE DATABASE ${name}`);
    const url = new URL(this.#url);
    url.pathname = name;
    return url.href;
  }

  kill(): Promise<void> {
    throw new Error("only a server that the tests started can be killed");
  }

  restart(): Promise<void> {
    throw new Error("only a server that the tests started can be restarted");
  }

  async stop(): Promise<void> {}
}

export interface MariadbServer extends TestDatabaseServer {
  /** The address of a database, as somebody who may do everything. */
  readonly url: string;
}

/** @param settings of the server, beside those that a new installation has */
export async function startMariadb(
  settings: Readonly<Record<string, string>> = {},
): Promise<MariadbServer> {
  const user = serverUser("mysql");
  const directory = serverDirectory("mariadb", user);
  const data = join(directory, "data");
  const run = { ...user, cwd: directory, stdio: "pipe" } as const;
  execFileSync(
    INSTALLER,
    [
      "--no-defaults",
      `--datadir=${data}`,
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
  const databases = new Databases(url);
  return {
    url,
    port,
    createPlace: () => databases.createPlace(),
    kill: () => server.kill(),
    restart: () => server.start(),
    stop: () => server.stop(),
  };
}

/** Runs statements as somebody who may do everything. */
export async function administerMysql(url: string, statements: string): Promise<unknown> {
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
  try {
    return (await connection.query(statements))[0];
  } finally {
    connection.destroy();
  }
}

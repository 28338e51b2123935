/** A PostgreSQL server for tests: the one of `SPAWN_TEST_POSTGRES_URL`, or a private one. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { freePort, serverDirectory, ServerProcess, serverUser } from "./server-process.ts";
import type { TestDatabase, TestDatabaseServer } from "./test-database.ts";

const VERSIONS = "/usr/lib/postgresql";
const USER = "spawn";
export const POSTGRES_PASSWORD = "a secret/of:tests@";

/** Where the programs of the newest installed version are. */
function programs(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const newest = readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a))[0];
  const directory = join(VERSIONS, newest ?? "", "bin");
  return existsSync(join(directory, "initdb")) ? directory : undefined;
}

const given = process.env["SPAWN_TEST_POSTGRES_URL"];

export const postgres: TestDatabase = {
  name: "postgres",
  missing:
    given === undefined && programs() === undefined
      ? "apt-get install postgresql, or SPAWN_TEST_POSTGRES_URL"
      : undefined,
  start: () => (given === undefined ? startPostgres() : Promise.resolve(new Places(given))),
};

/** A real CockroachDB, where somebody has one. */
const givenCockroach = process.env["SPAWN_TEST_COCKROACH_URL"];

export const cockroach: TestDatabase = {
  name: "cockroach",
  missing: givenCockroach === undefined ? "SPAWN_TEST_COCKROACH_URL" : undefined,
  start: () => Promise.resolve(new Places(givenCockroach!)),
};

/** Schemas, one for each who asks. */
class Places implements TestDatabaseServer {
  readonly #url: string;
  #count = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get port(): number {
    return Number(new URL(this.#url).port || 5432);
  }

  async createPlace(): Promise<string> {
    const schema = `place_${process.pid}_${Date.now()}_${++this.#count}`;
    await administer(this.#url, `CREATE SCHEMA ${schema}`);
    const url = new URL(this.#url);
    url.searchParams.set("options", `-c search_path=${schema}`);
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

export interface PostgresServer extends TestDatabaseServer {
  /** The address of the database, as somebody who may do everything. */
  readonly url: string;
}

/** @param settings of the server, beside those that a new installation has */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const bin = programs()!;
  const user = serverUser("postgres");
  const directory = serverDirectory("postgres", user);
  const data = join(directory, "data");
  const passwordFile = join(directory, "password");
  writeFileSync(passwordFile, POSTGRES_PASSWORD);
  const auth = ["-A", "scram-sha-256", "-U", USER, "--pwfile", passwordFile];
  const options = [...auth, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  const run = { ...user, cwd: directory, stdio: "pipe" } as const;
  execFileSync(join(bin, "initdb"), ["-D", data, ...options], run);
  const port = await freePort();
  const url = `postgres://${USER}:${encodeURIComponent(POSTGRES_PASSWORD)}@127.0.0.1:${port}/postgres`;
  const isReady = (): Promise<boolean> =>
    administer(url, "SELECT 1").then(
      () => true,
      () => false,
    );
  const all = { listen_addresses: "127.0.0.1", unix_socket_directories: directory, ...settings };
  const server = new ServerProcess({
    user,
    directory,
    command: [
      join(bin, "postgres"),
      "-D",
      data,
      `--port=${port}`,
      ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    isReady,
  });
  await server.start();
  const places = new Places(url);
  return {
    url,
    port,
    createPlace: () => places.createPlace(),
    kill: () => server.kill(),
    restart: () => server.start(),
    stop: () => server.stop("SIGINT"),
  };
}

/** Runs a statement as somebody who may do everything. */
export async function administer(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // The end of the server is no news here.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** A PostgreSQL server for tests: the one of `SPAWN_TEST_POSTGRES_URL`, or a private one. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { freePort, serverDirectory, ServerProcess, serverUser } from "./server-process.ts";
import { GivenServer, ownServer, type OwnServer, type TestDatabase } from "./test-database.ts";

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
  start: () => (given === undefined ? startPostgres() : Promise.resolve(schemasOf(given))),
};

/** A real CockroachDB, where somebody has one. */
const givenCockroach = process.env["SPAWN_TEST_COCKROACH_URL"];

export const cockroach: TestDatabase = {
  name: "cockroach",
  missing: givenCockroach === undefined ? "SPAWN_TEST_COCKROACH_URL" : undefined,
  start: () => Promise.resolve(schemasOf(givenCockroach!)),
};

/** Schemas, one for each who asks. */
function schemasOf(url: string): GivenServer {
  return new GivenServer(url, {
    async createPlace(address, name) {
      await administer(url, `CREATE SCHEMA ${name}`);
      address.searchParams.set("options", `-c search_path=${name}`);
    },
    async listTables(place) {
      const query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()";
      const rows = (await administer(place, query)) as readonly { readonly tablename: string }[];
      return rows.map(({ tablename }) => tablename);
    },
    run: administer,
  });
}

/**
 * @param settings of the server, beside those that a new installation has
 * @param parent of its data directory; default: the directory for temporary files
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  parent?: string,
): Promise<OwnServer> {
  const bin = programs()!;
  const user = serverUser("postgres");
  const directory = serverDirectory("postgres", user, parent);
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
  return ownServer({ url, port, process: server, places: schemasOf(url), signal: "SIGINT" });
}

/** Runs a statement as somebody who may do everything. */
export async function administer(url: string, statement: string): Promise<readonly unknown[]> {
  const client = await connect(url);
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** How many rows and entries of indexes were looked at in the place at `url`. */
export async function countPostgresLooks(url: string): Promise<number> {
  const [row] = await administer(
    url,
    `SELECT sum(pg_stat_get_tuples_returned(oid) + pg_stat_get_tuples_fetched(oid)) AS looks
      FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = current_schema()::regnamespace`,
  );
  return Number((row as { readonly looks: unknown }).looks);
}

/** Holds all rows of actors, as a transaction of somebody else does; the answer ends it. */
export async function lockActors(url: string): Promise<() => Promise<void>> {
  const client = await connect(url);
  await client.query("BEGIN");
  await client.query("SELECT 1 FROM spawn_actor FOR UPDATE");
  return () => client.end();
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // The end of the server is no news here.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** A database server for one run: started for it, with its data on a real disk, ended with it. */
import type { Commit, Statestore } from "spawn-mesh/engine";
import { administerMysql, startMariadb } from "../../packages/spawn-mesh/test/servers/mariadb.ts";
import { administer, startPostgres } from "../../packages/spawn-mesh/test/servers/postgres.ts";
import type { OwnServer } from "../../packages/spawn-mesh/test/servers/test-database.ts";
import { dataDirectory } from "./data-folder.ts";
import { round } from "./histogram.ts";
import type { Line } from "./measure.ts";

export type DatabaseKind = "postgres" | "mariadb";

interface BenchDatabase {
  readonly url: string;
  readonly pid: number;
  /** How often it has committed changes of actors. */
  commits(): Promise<number>;
  stop(): Promise<void>;
}

export function isDatabaseKind(name: string | undefined): name is DatabaseKind {
  return name === "postgres" || name === "mariadb";
}

/** Both wait for the disk before they answer, and have memory for all that is measured. */
export const DATABASE_DURABILITY: Readonly<Record<DatabaseKind, string>> = {
  postgres: "PostgreSQL, fsync=on, synchronous_commit=on",
  mariadb: "MariaDB, innodb_flush_log_at_trx_commit=1",
};

export async function startDatabase(kind: DatabaseKind): Promise<BenchDatabase> {
  if (kind === "mariadb") {
    const settings = { innodb_buffer_pool_size: "256M", innodb_log_file_size: "1G" };
    const server = await startMariadb(settings, dataDirectory());
    return await prepared(server, () => committedByMariadb(server));
  }
  const server = await startPostgres(
    {
      shared_buffers: "256MB",
      max_wal_size: "4GB",
      shared_preload_libraries: "pg_stat_statements",
    },
    dataDirectory(),
  );
  await administer(server.url, "CREATE EXTENSION pg_stat_statements");
  return await prepared(server, () => committedByPostgres(server));
}

async function prepared(server: OwnServer, commits: () => Promise<number>): Promise<BenchDatabase> {
  return {
    url: await server.createPlace(),
    pid: server.pid,
    commits,
    stop: () => server.stop(),
  };
}

/** There a group of commits is one statement. */
async function committedByPostgres({ url }: OwnServer): Promise<number> {
  const [row] = await administer(
    url,
    `SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements
      WHERE query ~ '(UPDATE|INSERT INTO) spawn_actor'`,
  );
  return Number((row as { readonly calls: unknown }).calls);
}

/** There it is one transaction. */
async function committedByMariadb({ url }: OwnServer): Promise<number> {
  const rows = await administerMysql(url, "SHOW GLOBAL STATUS LIKE 'Com_commit'");
  return Number((rows as readonly { readonly Value: unknown }[])[0]?.Value);
}

/** Counts the groups of commits that a statestore is given. */
export class CountedGroups {
  #groups = 0;
  #rows = 0;

  around(store: Statestore): Statestore {
    const commit = store.commit.bind(store);
    return Object.assign(store, {
      commit: (commits: readonly Commit[]) => {
        this.#groups++;
        this.#rows += commits.length;
        return commit(commits);
      },
    });
  }

  /** @param committed how often the database committed */
  ratios(committed: number): Partial<Line> {
    if (this.#groups === 0) return {};
    return {
      commitsPerGroup: round(committed / this.#groups),
      rowsPerGroup: round(this.#rows / this.#groups),
    };
  }
}

/** Database servers as tests use them, whichever kind they are. */
import type { ServerProcess } from "./server-process.ts";

/** A server. */
export interface TestDatabaseServer {
  /** The address of an empty place of its own in this server. */
  createPlace(): Promise<string>;
  /**
   * Removes all that a statestore keeps in the place at `url`, where it has been and is not any more. That is as
   * good as a new place, and cheaper: its tables are there.
   */
  emptyPlace(url: string): Promise<void>;
  /** Ends the server as a crash does, if it is ours to kill. */
  kill(): Promise<void>;
  /** Starts it after {@link kill}. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A server that this test has started. */
export interface OwnServer extends TestDatabaseServer {
  /** The address of a database, as somebody who may do everything. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
}

/** A kind of server, and whether this machine has it. */
export interface TestDatabase {
  readonly name: string;
  /** What is missing, for those who want to run the tests that need it; `undefined` when nothing is. */
  readonly missing: string | undefined;
  /** Starts a server, or takes the one that the environment names. */
  start(): Promise<TestDatabaseServer>;
}

/** What somebody who may do everything does on a kind of server. */
export interface Administration {
  /** Makes a place of that name, and changes the address into its own. */
  createPlace(url: URL, name: string): Promise<void>;
  /** The names of the tables in the place at `url`. */
  listTables(url: string): Promise<readonly string[]>;
  run(url: string, statements: string): Promise<unknown>;
}

/** A server that somebody has: it is used, and neither killed nor stopped. */
export class GivenServer implements TestDatabaseServer {
  readonly #url: string;
  readonly #administration: Administration;
  #count = 0;
  /** All its places have the same tables. */
  #deletes: string | undefined;

  constructor(url: string, administration: Administration) {
    this.#url = url;
    this.#administration = administration;
  }

  async createPlace(): Promise<string> {
    const url = new URL(this.#url);
    const name = `place_${process.pid}_${Date.now()}_${++this.#count}`;
    await this.#administration.createPlace(url, name);
    return url.href;
  }

  async emptyPlace(url: string): Promise<void> {
    this.#deletes ??= await this.#listDeletes(url);
    await this.#administration.run(url, this.#deletes);
  }

  async #listDeletes(url: string): Promise<string> {
    const tables = await this.#administration.listTables(url);
    if (!tables.includes("spawn_meta")) throw new Error("no statestore has been here");
    const deletes = tables.map((table) =>
      table === "spawn_meta" ? KEEP_VERSIONS : `DELETE FROM ${table}`,
    );
    return deletes.join(";");
  }

  kill(): Promise<void> {
    throw new Error("only a server that the tests started can be killed");
  }

  restart(): Promise<void> {
    throw new Error("only a server that the tests started can be restarted");
  }

  async stop(): Promise<void> {}
}

/** What the tables are, and no more. */
const KEEP_VERSIONS = "DELETE FROM spawn_meta WHERE name NOT LIKE 'schema_%'";

/** A server from its process and the places in it. */
export function ownServer({
  url,
  port,
  process,
  places,
  signal,
}: {
  readonly url: string;
  readonly port: number;
  readonly process: ServerProcess;
  readonly places: GivenServer;
  /** Lets it end by itself. Default: SIGTERM. */
  readonly signal?: NodeJS.Signals;
}): OwnServer {
  return {
    url,
    port,
    get pid() {
      return process.pid;
    },
    createPlace: () => places.createPlace(),
    emptyPlace: (place) => places.emptyPlace(place),
    kill: () => process.kill(),
    restart: () => process.start(),
    stop: () => process.stop(signal),
  };
}

/** Database servers as tests use them, whichever kind they are. */
import type { ServerProcess } from "./server-process.ts";

/** A server. */
export interface TestDatabaseServer {
  /** The address of an empty place of its own in this server. */
  createPlace(): Promise<string>;
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

/** A server that somebody has: it is used, and neither killed nor stopped. */
export class GivenServer implements TestDatabaseServer {
  readonly #url: string;
  readonly #createPlace: (url: URL, name: string) => Promise<void>;
  #count = 0;

  /** @param createPlace makes a place of that name and changes the address into its own */
  constructor(url: string, createPlace: (url: URL, name: string) => Promise<void>) {
    this.#url = url;
    this.#createPlace = createPlace;
  }

  async createPlace(): Promise<string> {
    const url = new URL(this.#url);
    await this.#createPlace(url, `place_${process.pid}_${Date.now()}_${++this.#count}`);
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
    kill: () => process.kill(),
    restart: () => process.start(),
    stop: () => process.stop(signal),
  };
}

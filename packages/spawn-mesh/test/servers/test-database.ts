/** A database server as tests use it, whichever kind it is. */
export interface TestDatabaseServer {
  /** The address of an empty place of its own in this server. */
  createPlace(): Promise<string>;
  /** Ends the server as a crash does, if it is ours to kill. */
  kill(): Promise<void>;
  /** Starts it after {@link kill}. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  readonly port: number;
}

/** A kind of server, and whether this machine has it. */
export interface TestDatabase {
  readonly name: string;
  /** What is missing, for those who want to run the tests that need it; `undefined` when nothing is. */
  readonly missing: string | undefined;
  /** Starts a server, or takes the one that the environment names. */
  start(): Promise<TestDatabaseServer>;
}

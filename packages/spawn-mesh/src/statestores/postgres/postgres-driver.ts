/** Connections to PostgreSQL: a pool of `pg`, whose types stay out of ours. */
import { describeThrown } from "../../engine/errors.ts";
import { StoreFailure, type StoreFailureKind } from "../../engine/statestore.ts";
import type { SqlDriver, SqlTransaction, SqlView } from "../sql/dialect.ts";
import { type Sql, type SqlResult, text } from "../sql/sql.ts";
import { repeatDeadlocks } from "../sql/deadlocks.ts";
import { answeredFailure, isDeadlock, isRace, isStaleConnection } from "./postgres-failures.ts";

/** The part of a pool of `pg` that is used here. */
export interface PgPool {
  connect(): Promise<PgClient>;
  end(): Promise<void>;
  on(event: "error" | "connect", listener: (subject: never) => void): unknown;
}

export interface PgClient {
  query(query: PgQuery): Promise<PgResult>;
  release(destroy?: boolean): void;
  end(): Promise<void>;
  on(event: "error", listener: () => void): unknown;
}

interface PgQuery {
  readonly text: string;
  readonly name?: string | undefined;
  readonly values?: unknown[] | undefined;
  readonly rowMode?: "array";
  readonly query_timeout?: number;
}

interface PgResult {
  readonly rows: readonly unknown[];
  readonly rowCount: number | null;
}

/** What differs between the servers that speak PostgreSQL's protocol. */
export interface PostgresSession {
  /** Statements that begin every connection. */
  readonly settings: string;
  /** Make what {@link lock} needs, each as a transaction of its own. */
  readonly beforeLock: readonly string[];
  /** Waits until no other process migrates; part of a transaction. */
  readonly lock: string;
}

/** The most statements that are kept prepared in a connection. */
const PREPARED_MAX = 200;
/** How long a process waits for another one that migrates, and a step of its own may take, in milliseconds. */
const MIGRATION_MS_MAX = 300_000;
/** How long closing waits for what is under way, in milliseconds. */
const CLOSE_MS_MAX = 5_000;

const BEGIN = plain("BEGIN");
const BEGIN_READ = plain("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
const COMMIT = plain("COMMIT");
const ROLLBACK = plain("ROLLBACK");

export class PostgresDriver implements SqlDriver {
  readonly #pool: PgPool;
  readonly #session: PostgresSession;
  /** Names of prepared statements by their texts. */
  readonly #names = new Map<string, string>();

  constructor(pool: PgPool, session: PostgresSession) {
    this.#pool = pool;
    this.#session = session;
    // A connection that breaks while nobody uses it would end the process.
    pool.on("error", () => undefined);
    pool.on("connect", (client: PgClient) => {
      client.on("error", () => undefined);
      // Goes ahead of what the connection was made for; if it fails, so does that.
      client.query(plain(session.settings)).catch(() => client.end().catch(() => undefined));
    });
  }

  query(statement: Sql): Promise<SqlResult> {
    return repeatDeadlocks(isDeadlock, () =>
      this.#connected((client) => this.#run(client, statement)),
    );
  }

  transaction(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    const [only] = statements;
    if (statements.length === 1) return this.query(only!).then((result) => [result]);
    return repeatDeadlocks(isDeadlock, () => this.#together(BEGIN, statements, COMMIT));
  }

  async rehearse(statements: readonly Sql[]): Promise<void> {
    await this.#together(BEGIN, statements, ROLLBACK);
  }

  snapshot(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    if (statements.length === 1) return this.transaction(statements);
    return this.#together(BEGIN_READ, statements, COMMIT);
  }

  async view(): Promise<SqlView> {
    const client = await this.#connect();
    let isBroken = false;
    const run = async (query: () => Promise<PgResult>): Promise<SqlResult> => {
      try {
        return resultOf(await query());
      } catch (error) {
        isBroken = true;
        throw failureOf(error, "retry") ?? error;
      }
    };
    const close = async (): Promise<void> => {
      if (!isBroken) await run(() => client.query(COMMIT));
      client.release(isBroken);
    };
    try {
      await run(() => client.query(BEGIN_READ));
    } catch (error) {
      await close();
      throw error;
    }
    return { run: (statement) => run(() => this.#send(client, statement)), close };
  }

  converse<Answer>(run: (transaction: SqlTransaction) => Promise<Answer>): Promise<Answer> {
    return repeatDeadlocks(isDeadlock, () => this.#converse([], run));
  }

  async exclusively(run: (connection: SqlTransaction) => Promise<void>): Promise<void> {
    const { beforeLock, lock } = this.#session;
    for (const statement of beforeLock) {
      // Two processes that make the same thing at the same moment are in each other's way.
      await repeatDeadlocks(isRace, () => this.query(text(statement)));
    }
    const before = [
      "SET LOCAL statement_timeout = 0",
      `SET LOCAL lock_timeout = ${MIGRATION_MS_MAX}`,
      lock,
    ];
    await repeatDeadlocks(isDeadlock, () => this.#converse(before, run));
  }

  async close(): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, CLOSE_MS_MAX);
    await Promise.race([this.#pool.end(), isOver]);
    clearTimeout(timeout);
  }

  #converse<Answer>(
    before: readonly string[],
    run: (transaction: SqlTransaction) => Promise<Answer>,
  ): Promise<Answer> {
    return this.#connected(async (client) => {
      let answer: Answer;
      await client.query(BEGIN);
      try {
        for (const statement of before)
          await client.query({ text: statement, query_timeout: MIGRATION_MS_MAX });
        const patience = before.length === 0 ? {} : { query_timeout: MIGRATION_MS_MAX };
        answer = await run({
          run: async (statement) => resultOf(await this.#send(client, statement, patience)),
        });
      } catch (error) {
        await client.query(ROLLBACK);
        throw error;
      }
      await client.query(COMMIT);
      return answer;
    });
  }

  /** Sends all at once: the server answers one after the other. */
  #together(begin: PgQuery, statements: readonly Sql[], end: PgQuery): Promise<SqlResult[]> {
    return this.#connected(async (client) => {
      const sent = [
        client.query(begin),
        ...statements.map((statement) => this.#send(client, statement)),
        client.query(end),
      ];
      const answers = await Promise.allSettled(sent);
      // What comes behind the first failure only says that there was one.
      const failed = answers.find((answer) => answer.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return answers
        .slice(1, -1)
        .map((answer) => resultOf((answer as PromiseFulfilledResult<PgResult>).value));
    });
  }

  async #connected<Answer>(run: (client: PgClient) => Promise<Answer>): Promise<Answer> {
    const client = await this.#connect();
    try {
      const answer = await run(client);
      client.release();
      return answer;
    } catch (error) {
      const failure = failureOf(error, "ambiguous");
      const isLost = failure === undefined || failure.kind === "ambiguous";
      client.release(isLost || isStaleConnection(error));
      throw failure ?? error;
    }
  }

  async #connect(): Promise<PgClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      // Nothing was sent.
      throw failureOf(error, "retry") ?? error;
    }
  }

  async #run(client: PgClient, statement: Sql): Promise<SqlResult> {
    return resultOf(await this.#send(client, statement));
  }

  #send(
    client: PgClient,
    { texts, values }: Sql,
    patience: Pick<PgQuery, "query_timeout"> = {},
  ): Promise<PgResult> {
    const numberedText = numbered(texts);
    const name = this.#nameOf(numberedText);
    return client.query({
      text: numberedText,
      name,
      values: [...values],
      rowMode: "array",
      ...patience,
    });
  }

  #nameOf(statement: string): string | undefined {
    const known = this.#names.get(statement);
    if (known !== undefined || this.#names.size === PREPARED_MAX) return known;
    const name = `spawn_${this.#names.size + 1}`;
    this.#names.set(statement, name);
    return name;
  }
}

function plain(statement: string): PgQuery {
  return { text: statement };
}

/** The text with `$1`, `$2`, … where the values go. */
function numbered(texts: readonly string[]): string {
  let numberedText = texts[0]!;
  for (let index = 1; index < texts.length; index++) numberedText += `$${index}${texts[index]!}`;
  return numberedText;
}

function resultOf({ rows, rowCount }: PgResult): SqlResult {
  return { rows: rows as SqlResult["rows"], changed: rowCount ?? 0 };
}

/** @param unanswered what a broken connection or a time-out means here */
function failureOf(error: unknown, unanswered: StoreFailureKind): StoreFailure | undefined {
  if (error instanceof StoreFailure) return error;
  // Ours: a row that cannot be read, for example.
  if (error instanceof Error && error.name === "SpawnError") return undefined;
  const answered = answeredFailure(error);
  const isConnecting = unanswered === "retry";
  const kind = isConnecting && answered === "ambiguous" ? "retry" : (answered ?? unanswered);
  return new StoreFailure(kind, describeThrown(error), { cause: error });
}

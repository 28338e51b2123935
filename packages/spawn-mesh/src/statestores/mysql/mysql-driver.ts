/**
 * Connections to MySQL and MariaDB: a pool of `mysql2`, whose types stay out of ours.
 *
 * A transaction goes as one text of many statements. Values are in it as numbers and hexadecimal
 * literals, never as quoted texts, so there is nothing to escape.
 */
import { describeThrown, isSpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import type { SqlDriver, SqlTransaction, SqlView } from "../sql/dialect.ts";
import { type Sql, sql, type SqlResult, type SqlValue, text } from "../sql/sql.ts";
import { repeatDeadlocks } from "../sql/deadlocks.ts";
import { answeredFailure, isDeadlock, isStaleConnection } from "./mysql-failures.ts";

/** The part of a pool of `mysql2/promise` that is used here. */
export interface MysqlPool {
  getConnection(): Promise<MysqlConnection>;
  end(): Promise<void>;
  on(event: "connection", listener: (connection: NewConnection) => void): unknown;
}

export interface MysqlConnection {
  readonly connection: NewConnection;
  query(query: { readonly sql: string; readonly timeout: number }): Promise<[unknown, unknown]>;
  release(): void;
  destroy(): void;
}

/** The connection below the one that answers promises. */
interface NewConnection {
  readonly stream: { ref(): unknown; unref(): unknown };
  query(text: string, answer: (error: Error | null) => void): unknown;
  destroy(): void;
}

export interface MysqlSession {
  /** Statements that begin every connection. */
  readonly settings: string;
  /** How long to wait for a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long to wait for an answer, in milliseconds. */
  readonly answerTimeoutMs: number;
}

/** How long closing waits for what is under way, in milliseconds. */
const CLOSE_MS_MAX = 5_000;
const MIGRATION_LOCK = "spawn_mesh_migration";
/** How long a process waits for another one that migrates, in seconds, and then for an answer. */
const MIGRATION_WAIT_S = 300;
const MIGRATION_TIMEOUT_MS = 600_000;
/** What a packet may have beside the statements. */
const PACKET_RESERVE_BYTES = 1024;

const BEGIN = text("START TRANSACTION");
const COMMIT = text("COMMIT");
const ROLLBACK = text("ROLLBACK");
const BEGIN_READ = [
  text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
  text("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"),
];
/** Tells afterwards whether it was COMMIT that failed. */
const BEFORE_COMMIT = text("SET @spawn_committing = 0");
const COMMITTING = text("SET @spawn_committing = 1");
const IS_COMMITTING = text("SELECT @spawn_committing");

export class MysqlDriver implements SqlDriver {
  readonly #pool: MysqlPool;
  readonly #session: MysqlSession;
  #packetBytesMax: number | undefined;

  constructor(pool: MysqlPool, session: MysqlSession) {
    this.#pool = pool;
    this.#session = session;
    // Goes ahead of what the connection was made for.
    pool.on("connection", (connection) => {
      connection.query(session.settings, (error) => {
        if (error !== null) connection.destroy();
      });
    });
  }

  async query(statement: Sql): Promise<SqlResult> {
    const [result] = await this.#connected((connection) => this.#send(connection, [statement]));
    return result!;
  }

  async transaction(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    const before = [BEFORE_COMMIT, BEGIN];
    const all = [...before, ...statements, COMMITTING, COMMIT];
    const results = await repeatDeadlocks(isDeadlock, () =>
      this.#connected((connection) => this.#sendOrUndo(connection, all)),
    );
    return results.slice(before.length, -2);
  }

  async rehearse(statements: readonly Sql[]): Promise<void> {
    await this.#connected((connection) =>
      this.#sendOrUndo(connection, [BEGIN, ...statements, ROLLBACK]),
    );
  }

  async snapshot(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    if (statements.length === 1) return [await this.query(statements[0]!)];
    const all = [...BEGIN_READ, ...statements, COMMIT];
    const results = await this.#connected((connection) => this.#sendOrUndo(connection, all));
    return results.slice(BEGIN_READ.length, -1);
  }

  async view(): Promise<SqlView> {
    const connection = await this.#connect();
    let isBroken = false;
    const run = async (statements: readonly Sql[]): Promise<SqlResult> => {
      try {
        return (await this.#send(connection, statements)).at(-1)!;
      } catch (error) {
        isBroken = true;
        throw failureOf(error);
      }
    };
    const close = async (): Promise<void> => {
      if (!isBroken) await run([COMMIT]);
      if (isBroken) connection.destroy();
      else giveBack(connection);
    };
    try {
      await run(BEGIN_READ);
    } catch (error) {
      await close();
      throw error;
    }
    return { run: (statement) => run([statement]), close };
  }

  converse<Answer>(run: (transaction: SqlTransaction) => Promise<Answer>): Promise<Answer> {
    return repeatDeadlocks(isDeadlock, () =>
      this.#connected((connection) => this.#converse(connection, run)),
    );
  }

  exclusively(run: (connection: SqlTransaction) => Promise<void>): Promise<void> {
    return this.#connected(async (connection) => {
      const one = (statement: Sql): Promise<SqlResult> =>
        this.#one(connection, statement, MIGRATION_TIMEOUT_MS);
      const { rows } = await one(sql`SELECT GET_LOCK(${MIGRATION_LOCK}, ${MIGRATION_WAIT_S})`);
      if (Number(rows[0]?.[0]) !== 1)
        throw new StoreFailure("retry", "another process takes too long to make the tables");
      try {
        await run({ run: one });
      } finally {
        await one(sql`SELECT RELEASE_LOCK(${MIGRATION_LOCK})`);
      }
    });
  }

  async close(): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, CLOSE_MS_MAX);
    await Promise.race([this.#pool.end(), isOver]);
    clearTimeout(timeout);
  }

  async #connected<Answer>(run: (connection: MysqlConnection) => Promise<Answer>): Promise<Answer> {
    const connection = await this.#connect();
    try {
      const answer = await run(connection);
      giveBack(connection);
      return answer;
    } catch (error) {
      if (isSpawnError(error)) {
        giveBack(connection);
        throw error;
      }
      const failure = failureOf(error);
      if (failure.kind === "ambiguous" || isStaleConnection(failure.cause)) connection.destroy();
      else giveBack(connection);
      throw failure;
    }
  }

  async #converse<Answer>(
    connection: MysqlConnection,
    run: (transaction: SqlTransaction) => Promise<Answer>,
  ): Promise<Answer> {
    let answer: Answer;
    await this.#send(connection, [BEGIN]);
    try {
      answer = await run({ run: (statement) => this.#one(connection, statement) });
    } catch (error) {
      await this.#send(connection, [ROLLBACK]);
      throw error;
    }
    try {
      await this.#send(connection, [COMMIT]);
    } catch (cause) {
      throw new StoreFailure("ambiguous", describeThrown(cause), { cause });
    }
    return answer;
  }

  async #connect(): Promise<MysqlConnection> {
    try {
      const connection = await this.#free();
      connection.connection.stream.ref();
      this.#packetBytesMax ??= await this.#readPacketBytesMax(connection);
      return connection;
    } catch (cause) {
      // Nothing was sent.
      const answered = answeredFailure(cause) ?? "retry";
      const kind = answered === "ambiguous" ? "retry" : answered;
      throw new StoreFailure(kind, describeThrown(cause), { cause });
    }
  }

  /** While all are in use the pool would let us wait for ever. */
  async #free(): Promise<MysqlConnection> {
    const { connectTimeoutMs } = this.#session;
    const waiting = this.#pool.getConnection();
    const { promise: isOver, reject } = Promise.withResolvers<never>();
    const timeout = setTimeout(() => {
      reject(
        new Error(`no connection in ${connectTimeoutMs} ms: all of connectionsMax are in use`),
      );
    }, connectTimeoutMs);
    try {
      return await Promise.race([waiting, isOver]);
    } catch (error) {
      waiting.then(giveBack, () => undefined);
      throw error;
    } finally {
      clearTimeout(timeout);
    }
  }

  async #readPacketBytesMax(connection: MysqlConnection): Promise<number> {
    try {
      const { rows } = await this.#one(connection, text("SELECT @@max_allowed_packet"));
      return Number(rows[0]?.[0]);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async #one(connection: MysqlConnection, statement: Sql, timeoutMs?: number): Promise<SqlResult> {
    const [result] = await this.#send(connection, [statement], timeoutMs);
    return result!;
  }

  /** Sends a script; if it fails, takes back what it has done and says what is certain. */
  async #sendOrUndo(
    connection: MysqlConnection,
    statements: readonly Sql[],
  ): Promise<readonly SqlResult[]> {
    const script = this.#script(statements);
    try {
      return await this.#sendScript(connection, script);
    } catch (cause) {
      const failure = failureOf(cause);
      if (failure.kind === "ambiguous") throw failure;
      const [, committing] = await this.#send(connection, [ROLLBACK, IS_COMMITTING]);
      if (Number(committing?.rows[0]?.[0]) === 1)
        throw new StoreFailure("ambiguous", describeThrown(cause), { cause });
      throw failure;
    }
  }

  async #send(
    connection: MysqlConnection,
    statements: readonly Sql[],
    timeoutMs?: number,
  ): Promise<readonly SqlResult[]> {
    return await this.#sendScript(connection, this.#script(statements), timeoutMs);
  }

  /** @throws {StoreFailure} `rows` when it is larger than what the server takes */
  #script(statements: readonly Sql[]): Script {
    const script = statements.map(withLiterals).join(";\n");
    if (script.length > (this.#packetBytesMax ?? Infinity) - PACKET_RESERVE_BYTES) {
      const message = `${script.length} bytes are more than the server's max_allowed_packet, ${this.#packetBytesMax}`;
      throw new StoreFailure("rows", message);
    }
    return { text: script, isOne: statements.length === 1 };
  }

  async #sendScript(
    connection: MysqlConnection,
    script: Script,
    timeoutMs: number = this.#session.answerTimeoutMs,
  ): Promise<readonly SqlResult[]> {
    const [answer] = await connection.query({ sql: script.text, timeout: timeoutMs });
    return script.isOne ? [resultOf(answer)] : (answer as unknown[]).map(resultOf);
  }
}

/** Statements as one text. */
interface Script {
  readonly text: string;
  readonly isOne: boolean;
}

/** A connection that nobody uses does not keep the process alive. */
function giveBack(connection: MysqlConnection): void {
  connection.connection.stream.unref();
  connection.release();
}

function withLiterals({ texts, values }: Sql): string {
  let script = texts[0]!;
  for (const [index, value] of values.entries()) script += literal(value) + texts[index + 1]!;
  return script;
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "number") return String(value);
  return `x'${bufferOf(value).toString("hex")}'`;
}

function bufferOf(value: string | Uint8Array): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function resultOf(answer: unknown): SqlResult {
  if (Array.isArray(answer)) return { rows: answer as SqlResult["rows"], changed: answer.length };
  return { rows: [], changed: (answer as { readonly affectedRows: number }).affectedRows };
}

function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error;
  const kind = answeredFailure(error) ?? "ambiguous";
  return new StoreFailure(kind, describeThrown(error), { cause: error });
}

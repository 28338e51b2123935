/**
 * Connections to SQL Server: a pool of `mssql`, whose types stay out of ours.
 *
 * A transaction goes as one batch that begins and ends it. Only one whose statements depend on earlier
 * answers is a transaction of the driver.
 */
import { describeThrown, isSpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import { loadDriver } from "../sql/connecting.ts";
import { repeatDeadlocks } from "../sql/deadlocks.ts";
import type { SqlDriver, SqlTransaction, SqlView } from "../sql/dialect.ts";
import { type Sql, sql, type SqlResult, text } from "../sql/sql.ts";
import {
  type BatchSettings,
  beginning,
  counted,
  type Recordset,
  resultsOf,
} from "./mssql-batch.ts";
import { answeredFailure, isDeadlock, isUnsent } from "./mssql-failures.ts";

/** The part of the package that is used here. */
export interface MssqlModule {
  readonly ISOLATION_LEVEL: { readonly SNAPSHOT: number };
  readonly ConnectionPool: new (config: object) => MssqlPool;
  readonly Transaction: new (pool: MssqlPool) => MssqlTransaction;
  readonly Request: new (
    parent: MssqlPool | MssqlTransaction,
    overrides?: { readonly requestTimeout: number },
  ) => MssqlRequest;
}

/** @throws {SpawnError} `STATESTORE_UNAVAILABLE` saying what to install */
export async function loadMssql(): Promise<MssqlModule> {
  const load = async (): Promise<unknown> =>
    // @ts-expect-error The package is large, and nothing here needs it or its types.
    await import("mssql");
  return ((await loadDriver("mssql", load)) as { readonly default: MssqlModule }).default;
}

interface MssqlPool {
  connect(): Promise<unknown>;
  close(): Promise<void>;
  on(event: "error", listener: () => void): unknown;
}

interface MssqlTransaction {
  begin(isolationLevel?: number): Promise<unknown>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

interface MssqlRequest {
  arrayRowMode: boolean;
  batch(text: string): Promise<{ readonly recordsets: readonly MssqlRecordset[] }>;
}

type MssqlRecordset = readonly (readonly unknown[])[] & {
  readonly columns: readonly { readonly name: string }[];
};

/** How long closing waits for what is under way, in milliseconds. */
const CLOSE_MS_MAX = 5_000;
/** How long a process waits for another one that migrates, and a step of its own may take, in milliseconds. */
const MIGRATION_MS_MAX = 300_000;

/** What an earlier batch may have left, when its time was over. */
const UNDO = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";
const READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";
/** What is read stays as it is until the end: with locks, since snapshots have to be allowed first. */
const SERIALIZABLE = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
const BEGIN = "BEGIN TRANSACTION";
const COMMIT = "COMMIT TRANSACTION";
const ROLLBACK = "ROLLBACK TRANSACTION";

const LOCK = sql`DECLARE @spawn_lock INT;
  EXEC @spawn_lock = sp_getapplock @Resource = 'spawn_mesh_migration', @LockMode = 'Exclusive',
    @LockOwner = 'Transaction', @LockTimeout = ${text(`${MIGRATION_MS_MAX}`)};
  SELECT @spawn_lock AS spawn_lock`;

export class MssqlDriver implements SqlDriver {
  readonly #mssql: MssqlModule;
  readonly #pool: MssqlPool;
  readonly #beginning: string;
  #connecting: Promise<unknown> | undefined;

  constructor(mssql: MssqlModule, config: object, settings: BatchSettings) {
    this.#mssql = mssql;
    this.#pool = new mssql.ConnectionPool(config);
    this.#beginning = beginning(settings);
    // A connection that breaks while nobody uses it would end the process.
    this.#pool.on("error", () => undefined);
  }

  async query(statement: Sql): Promise<SqlResult> {
    const [result] = await this.#together([statement], { begin: [], end: [] });
    return result!;
  }

  transaction(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    return this.#together(statements, { begin: [BEGIN], end: [COMMIT] });
  }

  async rehearse(statements: readonly Sql[]): Promise<void> {
    await this.#together(statements, { begin: [BEGIN], end: [ROLLBACK] });
  }

  snapshot(statements: readonly Sql[]): Promise<readonly SqlResult[]> {
    if (statements.length === 1) return this.#together(statements, { begin: [], end: [] });
    return this.#together(statements, {
      begin: [SERIALIZABLE, BEGIN],
      end: [COMMIT, READ_COMMITTED],
    });
  }

  /** The database has to allow snapshots: locks would keep everybody else from writing. */
  view(): Promise<SqlView> {
    return this.#certain(async () => {
      await this.#connect();
      const transaction = new this.#mssql.Transaction(this.#pool);
      await this.#begin(transaction, this.#mssql.ISOLATION_LEVEL.SNAPSHOT);
      return {
        run: (statement) => this.#certain(() => this.#one(transaction, statement)),
        // It has changed nothing.
        close: () => transaction.rollback().catch(() => undefined),
      };
    });
  }

  converse<Answer>(run: (transaction: SqlTransaction) => Promise<Answer>): Promise<Answer> {
    return repeatDeadlocks(isDeadlock, () => this.#converse(run));
  }

  exclusively(run: (connection: SqlTransaction) => Promise<void>): Promise<void> {
    const overrides = { requestTimeout: MIGRATION_MS_MAX * 2 };
    return this.#converse(async (transaction) => {
      const { rows } = await transaction.run(LOCK);
      if (Number(rows[0]?.[0]) < 0)
        throw new StoreFailure("retry", "another process takes too long to make the tables");
      await run(transaction);
    }, overrides);
  }

  async close(): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, CLOSE_MS_MAX);
    await Promise.race([this.#pool.close(), isOver]);
    clearTimeout(timeout);
  }

  #together(
    statements: readonly Sql[],
    { begin, end }: { readonly begin: readonly string[]; readonly end: readonly string[] },
  ): Promise<readonly SqlResult[]> {
    const batch = [
      UNDO,
      READ_COMMITTED,
      this.#beginning,
      ...begin,
      ...statements.map(counted),
      ...end,
    ].join(";\n");
    return repeatDeadlocks(isDeadlock, () =>
      this.#certain(async () => {
        await this.#connect();
        return await run(new this.#mssql.Request(this.#pool), batch);
      }),
    );
  }

  #converse<Answer>(
    converse: (transaction: SqlTransaction) => Promise<Answer>,
    overrides?: { readonly requestTimeout: number },
  ): Promise<Answer> {
    return this.#certain(async () => {
      await this.#connect();
      const transaction = new this.#mssql.Transaction(this.#pool);
      await this.#begin(transaction);
      let answer: Answer;
      try {
        answer = await converse({
          run: (statement) => this.#one(transaction, statement, overrides),
        });
      } catch (error) {
        // Its first error has taken it back already.
        await transaction.rollback().catch(() => undefined);
        throw error;
      }
      try {
        await transaction.commit();
      } catch (cause) {
        throw new StoreFailure("ambiguous", describeThrown(cause), { cause });
      }
      return answer;
    });
  }

  async #one(
    transaction: MssqlTransaction,
    statement: Sql,
    overrides?: { readonly requestTimeout: number },
  ): Promise<SqlResult> {
    const batch = [this.#beginning, counted(statement)].join(";\n");
    const [result] = await run(new this.#mssql.Request(transaction, overrides), batch);
    return result!;
  }

  /** Nothing was sent before. */
  async #begin(transaction: MssqlTransaction, isolationLevel?: number): Promise<void> {
    try {
      await transaction.begin(isolationLevel);
    } catch (cause) {
      const answered = answeredFailure(cause) ?? "retry";
      const kind = answered === "ambiguous" ? "retry" : answered;
      throw new StoreFailure(kind, describeThrown(cause), { cause });
    }
  }

  async #connect(): Promise<void> {
    this.#connecting ??= this.#pool.connect();
    try {
      await this.#connecting;
    } catch (error) {
      this.#connecting = undefined;
      throw error;
    }
  }

  async #certain<Answer>(attempt: () => Promise<Answer>): Promise<Answer> {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof StoreFailure || isSpawnError(error)) throw error;
      const kind = answeredFailure(error) ?? (isUnsent(error) ? "retry" : "ambiguous");
      throw new StoreFailure(kind, describeThrown(error), { cause: error });
    }
  }
}

async function run(request: MssqlRequest, batch: string): Promise<readonly SqlResult[]> {
  request.arrayRowMode = true;
  const { recordsets } = await request.batch(batch);
  return resultsOf(recordsets.map(recordsetOf));
}

function recordsetOf(rows: MssqlRecordset): Recordset {
  return { rows, columns: rows.columns.map(({ name }) => name) };
}

/**
 * What differs between the databases. Everything else of the SQL statestore is written once.
 *
 * A statement that has to say it differently asks the dialect for a part of its text; the two that
 * have to be fast, the commit and the claim, are the dialect's own.
 */
import type { MessageClaim } from "../../engine/message-store.ts";
import type { StoreWarning } from "../../engine/statestore.ts";
import type { KeyedCommit } from "./commit-group.ts";
import type { Migrations } from "./migrations.ts";
import { type Sql, sql, type SqlResult, type SqlValue, text } from "./sql.ts";

/** The types of values in lists and tables of given values. */
export type ColumnType = "bytes" | "text" | "int" | "bigint";

/** A table of given values. */
export interface GivenRows {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly rows: readonly (readonly SqlValue[])[];
}

/** Rows for a table, of which those are left out that are there already. */
export interface MissingRows {
  readonly table: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** In the order in which they are added. */
  readonly rows: readonly (readonly SqlValue[])[];
  /** The columns that say which row it is. */
  readonly key: readonly [string, ...string[]];
  /** Another table that may have the row instead, by the first column of the key. */
  readonly elsewhere?: string;
}

/** How a SELECT locks its rows until the transaction ends. */
export interface RowLock {
  /** Behind the table that is locked. */
  readonly hint: Sql;
  /** At the end of the statement. */
  readonly ending: Sql;
}

/** The statements of a group of commits, and how to read what they answer. */
export interface CommitScript {
  readonly statements: readonly Sql[];
  /** Which of the commits were applied, in order. */
  readonly isApplied: (results: readonly SqlResult[]) => readonly boolean[];
  /** What belongs to those that were applied, if that has to wait for the answer. */
  readonly rest?: (isApplied: readonly boolean[]) => readonly Sql[];
}

export interface Dialect {
  readonly migrations: Migrations;
  /** The most commits in one script. */
  readonly commitRowsMax: number;
  /** The most rows of a table of given values. */
  readonly givenRowsMax: number;
  /** Ends a SELECT that has an order: only its first rows, behind those that are skipped. */
  limit(rows: number, skipped?: number): Sql;
  /** How many bytes a column has. */
  byteLength(column: string): Sql;
  /** Waits for rows that others have locked. */
  readonly lock: RowLock;
  /** Go before a statement that is to go along a key, where the database might rather read everything and sort it. */
  readonly beforeWalk?: readonly Sql[];
  /** The condition that `column` is one of `values`. */
  among(column: string, type: ColumnType, values: readonly SqlValue[]): Sql;
  /** The condition that a text is somewhere in the texts of `column`. */
  contains(column: string, part: string): Sql;
  /** A table of given rows, as FROM has it. */
  given(rows: GivenRows): Sql;
  /** The heads of all lanes, as FROM has it: a table `heads` of their `position`s. It skips what is behind them. */
  readonly laneHeads: Sql;
  /** Ends an INSERT: what is there already stays as it is. */
  orLeave(table: string, key: string): Sql;
  /** Adds rows that are not there, where they cannot be a table of given rows. */
  addMissing?(rows: MissingRows): readonly Sql[];
  /** Deletes at most `limit` replies that expired before `wall`. */
  prune(wall: number, limit: number): Sql;
  /** Commits that touch nothing of one another: each is applied whole or not at all. */
  commit(owner: string, commits: readonly KeyedCommit[]): CommitScript;
  /** Commits that are applied all together in one transaction, or fail as a failure of `rows`; then `commit` tells of each. */
  commitTogether?(owner: string, commits: readonly KeyedCommit[]): readonly Sql[];
  /** Claims messages: rows of `MESSAGE_COLUMNS`, in the order of the port. */
  claim(driver: SqlDriver, claim: MessageClaim): Promise<SqlResult["rows"]>;
  /** What is set up so that a promise may be broken. @throws {SpawnError} when nothing can be written */
  check(driver: SqlDriver): Promise<readonly StoreWarning[]>;
}

/** A transaction, statement by statement. */
export interface SqlTransaction {
  run(statement: Sql): Promise<SqlResult>;
}

/** Reads that see one moment, as long as it is open. It has a connection to itself. */
export interface SqlView extends SqlTransaction {
  close(): Promise<void>;
}

/** Connections to a database. Every failure is a `StoreFailure` that says what is certain. */
export interface SqlDriver {
  /** Runs one statement, as a transaction of its own. */
  query(statement: Sql): Promise<SqlResult>;
  /** Runs statements as one transaction, and in one round trip if that can be. */
  transaction(statements: readonly Sql[]): Promise<readonly SqlResult[]>;
  /** Runs statements as {@link transaction} does, but takes everything back: tells whether they can succeed. */
  rehearse(statements: readonly Sql[]): Promise<void>;
  /** Runs reads that see one moment. */
  snapshot(statements: readonly Sql[]): Promise<readonly SqlResult[]>;
  /** Opens a view of the present moment, for reads that depend on one another. */
  view(): Promise<SqlView>;
  /** A transaction in which later statements depend on the answers to earlier ones. */
  converse<Answer>(run: (transaction: SqlTransaction) => Promise<Answer>): Promise<Answer>;
  /** Runs under the database's own lock, one process at a time. */
  exclusively(run: (connection: SqlTransaction) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** What all but one say alike. */
export const commonForms: Pick<Dialect, "limit" | "byteLength" | "lock"> = {
  limit: (rows, skipped) =>
    skipped === undefined ? sql`LIMIT ${rows}` : sql`LIMIT ${rows} OFFSET ${skipped}`,
  byteLength: (column) => text(`length(${column})`),
  lock: { hint: text(""), ending: text("FOR UPDATE") },
};

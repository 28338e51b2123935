/**
 * Statements as one batch of T-SQL, and what its answers mean.
 *
 * Values are in it as numbers and binary literals, never as quoted texts: there is nothing to escape, and
 * the limit of 2 100 parameters does not count. Behind each statement the batch answers how many rows it
 * changed, so that the answers can be told apart whatever the driver counts.
 */
import type { Sql, SqlResult, SqlValue } from "../sql/sql.ts";

/** The variable with the number of rows that the statement before changed. */
export const CHANGED = "@spawn_changed";

/** The column of the answers that end a statement. */
const CHANGED_COLUMN = "spawn_changed";

/** What every batch is run with: a connection may have been used by somebody else. */
export interface BatchSettings {
  /** How long a statement may wait for a lock, in milliseconds. */
  readonly lockTimeoutMs: number;
}

/** The statements that begin a batch. Its first error takes everything back. */
export function beginning({ lockTimeoutMs }: BatchSettings): string {
  return [
    "SET NOCOUNT ON",
    "SET XACT_ABORT ON",
    `SET LOCK_TIMEOUT ${lockTimeoutMs}`,
    `DECLARE ${CHANGED} INT`,
  ].join(";\n");
}

/** A statement, and an answer that ends it. */
export function counted(statement: Sql): string {
  return [
    withLiterals(statement),
    `SET ${CHANGED} = @@ROWCOUNT`,
    `SELECT ${CHANGED} AS ${CHANGED_COLUMN}`,
  ].join(";\n");
}

/** A table of answers: its rows as arrays, and what its columns are called. */
export interface Recordset {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** The results of the {@link counted} statements of a batch, in order. */
export function resultsOf(recordsets: readonly Recordset[]): readonly SqlResult[] {
  const results: SqlResult[] = [];
  let rows: SqlResult["rows"] = [];
  for (const recordset of recordsets) {
    if (recordset.columns.length === 1 && recordset.columns[0] === CHANGED_COLUMN) {
      results.push({ rows, changed: Number(recordset.rows[0]?.[0]) });
      rows = [];
    } else {
      rows = recordset.rows;
    }
  }
  return results;
}

function withLiterals({ texts, values }: Sql): string {
  let batch = texts[0]!;
  for (const [index, value] of values.entries()) batch += literal(value) + texts[index + 1]!;
  return batch;
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "number") return numberLiteral(value);
  const bytes =
    typeof value === "string"
      ? Buffer.from(value)
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return `0x${bytes.toString("hex")}`;
}

/** A number that is too large for INT would be a decimal, for which no index is used. */
function numberLiteral(value: number): string {
  const isInt = (value | 0) === value || !Number.isInteger(value);
  return isInt ? String(value) : `CAST(${BigInt(value)} AS BIGINT)`;
}

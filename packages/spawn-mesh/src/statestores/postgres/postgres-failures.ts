/**
 * What PostgreSQL's error codes mean for a call: https://www.postgresql.org/docs/current/errcodes-appendix.html
 *
 * The longest prefix decides. An answer with a code is certain, since a transaction that failed left
 * nothing; only those with which a connection ends may come after the commit. No code is no answer:
 * the connection broke or the time was over, and nothing is certain once the statement was sent.
 */
import type { StoreFailureKind } from "../../engine/statestore.ts";

/** By code, or by the class that its first two characters are. */
const kinds: Readonly<Record<string, StoreFailureKind>> = {
  "08": "ambiguous", // connection exceptions
  "57P01": "ambiguous", // admin_shutdown: may come while a commit waits for a standby
  "57P02": "ambiguous", // crash_shutdown
  "57P05": "ambiguous", // idle_session_timeout
  "40003": "ambiguous", // statement_completion_unknown
  "25P03": "ambiguous", // idle_in_transaction_session_timeout ends the connection

  "40": "retry", // serialization, deadlock
  "55": "retry", // lock_not_available, object_in_use
  "57": "retry", // query_canceled (statement_timeout), cannot_connect_now
  "58": "retry", // system errors: input and output
  "25": "retry", // read only: after a failover the next connection is to another server
  "23505": "retry", // unique_violation: a race, which the next attempt sees
  "42710": "retry", // duplicate_object: another process makes the same table, as in `races`
  "42P07": "retry", // duplicate_table
  "0A": "retry", // cached plan must not change result type: while tables are expanded
  "26": "retry", // a prepared statement is gone: behind a pooler
  "25P02": "retry", // in_failed_sql_transaction: an earlier statement failed and says why

  "53": "capacity", // disk full, out of memory, too many connections

  "22": "rows", // data exceptions: too long, invalid bytes
  "23": "rows", // constraints
  "54": "rows", // program limits: too large for an index or a field
};

/** The kind of a failure that the server answered; `undefined` for an error that is no answer. */
export function answeredFailure(error: unknown): StoreFailureKind | undefined {
  const code = sqlState(error);
  if (code === undefined) return undefined;
  // Everything else: no rights, no such table, wrong password, defects.
  return kinds[code] ?? kinds[code.slice(0, 2)] ?? "fatal";
}

/** Whether the transaction was taken back so that another one could go on. */
export function isDeadlock(error: unknown): boolean {
  const code = sqlState(error);
  return code === "40001" || code === "40P01";
}

/** Codes after which another connection may do better: to another server after a failover, or without old plans. */
const stale = ["25006", "26", "0A", "57P"];

/** Whether the connection should not be used again, although the server has answered. */
export function isStaleConnection(error: unknown): boolean {
  const code = sqlState(error);
  return code !== undefined && stale.some((prefix) => code.startsWith(prefix));
}

/**
 * How `CREATE TABLE IF NOT EXISTS` fails when another process makes the table at the same moment: at an
 * index of the catalogue, at the type of its rows, or at the table itself.
 */
const races: readonly unknown[] = ["23505", "42710", "42P07"];

/** Whether another process has made the same thing at the same moment. */
export function isRace(error: unknown): boolean {
  return races.includes(sqlState(error));
}

/** The SQLSTATE of an error that the server sent. Errors of Node have codes too, but no severity. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("severity" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

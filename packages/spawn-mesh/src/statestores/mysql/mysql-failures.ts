/**
 * What the error numbers of MySQL and MariaDB mean for a call:
 * https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html and
 * https://mariadb.com/kb/en/mariadb-error-code-reference/
 *
 * An answer before COMMIT is certain: the transaction is taken back. No number is no answer: the
 * connection broke or the time was over, and nothing is certain once the script was sent.
 */
import type { StoreFailureKind } from "../../engine/statestore.ts";

const numbers: Readonly<Record<StoreFailureKind, readonly number[]>> = {
  ambiguous: [
    1053, // server shutdown in progress
    1180, // error during commit
    1927, // connection was killed
  ],
  retry: [
    1205, // lock wait timeout
    1213, // deadlock
    1467, // the next number of a table could not be had: a deadlock too
    3572, // lock not available at once
    1317, // query interrupted
    1969, // statement timeout of MariaDB
    3024, // statement timeout of MySQL
    1020, // record has changed since last read
    1062, // duplicate entry: a race, which the next attempt sees
    1290, // read only: after a failover the next connection is to another server
    1792, // read only transaction
    1836, // read only mode
    1047, // a node of a cluster that is not ready
    1412, // table definition has changed: while tables are expanded
  ],
  capacity: [
    1040, // too many connections
    1203, // too many connections of this user
    1226, // a limit of this user
    1135, // no thread can be made
    1021, // disk full
    1026, // error writing a file
    1114, // table full
    1037, // out of memory
    1038, // out of sort memory
    1041, // out of memory
  ],
  rows: [
    1406, // data too long
    1264, // out of range
    1690, // a number that there is not: what a group says that is not applied as a whole
    1366, // incorrect value
    1048, // null where there must be a value
    1071, // key too long
    1118, // row too large
    1153, // packet too large
    1301, // result larger than a packet
    3819, // check constraint of MySQL
    4025, // check constraint of MariaDB
  ],
  fatal: [],
};

const kinds = new Map(
  Object.entries(numbers).flatMap(([kind, codes]) =>
    codes.map((code) => [code, kind as StoreFailureKind] as const),
  ),
);

const deadlocks: ReadonlySet<unknown> = new Set([1213, 1467]);

const stale: ReadonlySet<unknown> = new Set([1047, 1290, 1792, 1836]);

/** Whether another connection may do better, to another server after a failover. */
export function isStaleConnection(error: unknown): boolean {
  return error instanceof Error && "errno" in error && stale.has(error.errno);
}

/** Whether the transaction was taken back so that another one could go on. */
export function isDeadlock(error: unknown): boolean {
  return error instanceof Error && "errno" in error && deadlocks.has(error.errno);
}

/** The kind of a failure that the server answered; `undefined` for an error that is no answer. */
export function answeredFailure(error: unknown): StoreFailureKind | undefined {
  if (!(error instanceof Error) || !("errno" in error) || !("sqlState" in error)) return undefined;
  // Everything else: no rights, no such table, wrong password, defects.
  return kinds.get(Number(error.errno)) ?? "fatal";
}

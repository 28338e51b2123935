/**
 * What the error numbers of SQL Server mean for a call:
 * https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
 *
 * Every transaction ends with its first error (XACT_ABORT), so an answer with a number is certain,
 * unless the connection ends with it. No number is no answer: the connection broke or the time was
 * over, and nothing is certain once the batch was sent.
 */
import type { StoreFailureKind } from "../../engine/statestore.ts";

const numbers: Readonly<Record<StoreFailureKind, readonly number[]>> = {
  ambiguous: [
    596, // the session was killed
    6001, // shutdown by request
    6005, // shutdown in progress
    6006, // shutdown by signal
    40197, // the service of Azure has failed over
  ],
  retry: [
    1205, // deadlock
    1222, // lock request timeout
    1204, // no more locks
    3960, // changed since the snapshot
    3961, // table changed since the snapshot
    41301, // a transaction that it depends on was taken back
    41302, // changed since the transaction began
    41305, // what was read has changed
    41325, // what was not there is there now
    2601, // duplicate key of an index: a race, which the next attempt sees
    2627, // duplicate key of a constraint
    3906, // read only: after a failover the next connection is to another server
    3908, // the database is in recovery
    976, // a secondary that cannot be asked
    978, // a secondary that only lets itself be read
    983, // a replica that is becoming something else
    40613, // the database of Azure is not available now
  ],
  capacity: [
    1101, // no page can be made
    1105, // disk full
    9002, // transaction log full
    701, // out of memory
    802, // out of buffers
    8645, // waited too long for memory
    8651, // too little memory
    17300, // out of memory for a session
    10928, // a limit of the database of Azure
    10929, // the same
    40501, // the service of Azure is busy
    40544, // the database of Azure is full
    49918, // the service of Azure is busy
    49919, // the same
    49920, // the same
  ],
  rows: [
    2628, // data would be truncated
    8152, // data would be truncated, older versions
    1946, // key too long for an index
    511, // row too large
    515, // null where there must be a value
    547, // check constraint
    220, // arithmetic overflow
    8115, // arithmetic overflow of a conversion
    7139, // value longer than the server takes
  ],
  fatal: [
    18456, // wrong password
    4060, // no such database, or not for this user
    208, // no such table
    207, // no such column
    229, // no right
    262, // no right to make tables
    102, // syntax
  ],
};

const kinds = new Map(
  Object.entries(numbers).flatMap(([kind, codes]) =>
    codes.map((code) => [code, kind as StoreFailureKind] as const),
  ),
);

/** An error of this severity ends the connection. */
const ENDS_CONNECTION = 20;

const deadlocks: ReadonlySet<unknown> = new Set([1205, 3960, 41301, 41302, 41305, 41325]);

/** What the driver says when it cannot log in; the number of the server is lost there. */
const LOGIN_REFUSED = "ELOGIN";

interface Answered extends Error {
  readonly number: number;
  readonly class?: number;
}

/** Whether the transaction was taken back so that another one could go on. */
export function isDeadlock(error: unknown): boolean {
  return deadlocks.has(answerOf(error)?.number);
}

/** The kind of a failure that the server answered; `undefined` for an error that is no answer. */
export function answeredFailure(error: unknown): StoreFailureKind | undefined {
  const answer = answerOf(error);
  if (answer === undefined) return isLoginRefused(error) ? "fatal" : undefined;
  if ((answer.class ?? 0) >= ENDS_CONNECTION) return "ambiguous";
  // Everything else: defects.
  return kinds.get(answer.number) ?? "fatal";
}

/** Whether a failure is one of connecting, so that nothing was sent. What breaks later is one of a request. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && ["ConnectionError", "TimeoutError"].includes(error.name);
}

/** The first error that the server answered: it says why, the later ones say what followed from it. */
function answerOf(error: unknown): Answered | undefined {
  if (!(error instanceof Error)) return undefined;
  const before: unknown = "precedingErrors" in error ? error.precedingErrors : undefined;
  const original: unknown = "originalError" in error ? error.originalError : undefined;
  const all: readonly unknown[] = [...(Array.isArray(before) ? before : []), error, original];
  return all.find(isAnswer);
}

function isAnswer(error: unknown): error is Answered {
  return error instanceof Error && "number" in error && typeof error.number === "number";
}

function isLoginRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === LOGIN_REFUSED;
}

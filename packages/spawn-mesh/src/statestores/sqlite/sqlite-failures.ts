/** What SQLite's result codes mean for a call: which kind of failure each is. */
import type { StoreFailureKind } from "../../engine/statestore.ts";

/** Primary result codes, https://sqlite.org/rescode.html. */
export const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const SQLITE_LOCKED = 6;
const SQLITE_NOMEM = 7;
const SQLITE_IOERR = 10;
export const SQLITE_CORRUPT = 11;
const SQLITE_CANTOPEN = 14;
const SQLITE_TOOBIG = 18;
/** Extended: the shared memory of the log could not grow, which is a full disk too. */
const SQLITE_IOERR_SHMSIZE = 4874;

const PRIMARY_MASK = 0xff;

/** The primary result code of an error of `node:sqlite`, or `undefined` for any other error. */
export function resultCode(error: unknown): number | undefined {
  const extended = extendedCode(error);
  return extended === undefined ? undefined : extended & PRIMARY_MASK;
}

function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

/** The kind of a failure before COMMIT was reached, when it is certain that nothing was applied. */
export function failureBeforeCommit(error: unknown): Exclude<StoreFailureKind, "ambiguous"> {
  if (isDiskFull(error)) return "capacity";
  switch (resultCode(error)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
      return "retry";
    case SQLITE_TOOBIG:
      return "rows";
    default:
      return "fatal";
  }
}

export function isDiskFull(error: unknown): boolean {
  return resultCode(error) === SQLITE_FULL || extendedCode(error) === SQLITE_IOERR_SHMSIZE;
}

/** Whether the connection may be in doubt after this error and is to be opened anew. */
export function needsReopening(error: unknown): boolean {
  const code = resultCode(error);
  return code === SQLITE_IOERR || code === SQLITE_CANTOPEN || code === SQLITE_NOMEM;
}

/** Reaching a database, and what to say when that cannot be done. */
import { describeThrown, isSpawnError, SpawnError } from "../../engine/errors.ts";

/**
 * Loads the driver's package.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE` saying what to install
 */
export async function loadDriver<Module>(
  name: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new SpawnError(
      "STATESTORE_UNAVAILABLE",
      `the driver of the database is not installed: npm install ${name}`,
      { cause },
    );
  }
}

/** What is said when a database cannot be opened. @param address without a password */
export function cannotBeOpened(address: string, cause: unknown): SpawnError {
  if (isSpawnError(cause)) return cause;
  return new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the database ${address} cannot be used: ${reasonOf(cause)}`,
    { cause },
  );
}

/** A connection that is refused on several addresses of a host has the reasons below it. */
function reasonOf(cause: unknown): string {
  const message = describeThrown(cause);
  if (message !== "") return message;
  const inner = cause instanceof AggregateError ? cause.errors : [];
  if (inner.length > 0) return inner.map(describeThrown).join(", ");
  return cause instanceof Error && cause.cause !== undefined ? reasonOf(cause.cause) : "no reason";
}

/** How much of a database server a process uses, and how long it waits for it. */
import { checkWholeNumber, TIMEOUT_MS_MAX } from "../../engine/limits.ts";
import { checkOptionNames } from "../../engine/option-names.ts";

export interface ConnectionLimits {
  /** Connections at once. Default 8. */
  readonly connectionsMax?: number | undefined;
  /** How long to wait for a connection, in milliseconds. Default 5 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long a statement may take, in milliseconds. Default 10 000. */
  readonly statementTimeoutMs?: number | undefined;
  /**
   * How long a statement may wait for a lock of somebody else, in milliseconds; MySQL and MariaDB round
   * it up to seconds. Default 5 000.
   */
  readonly lockTimeoutMs?: number | undefined;
}

/** How much longer than the server we wait for its word that the time is over, in milliseconds. */
export const ANSWER_GRACE_MS = 2_000;
/** With the grace it is as long as Node's timers can count to. */
const STATEMENT_TIMEOUT_MS_MAX = TIMEOUT_MS_MAX - ANSWER_GRACE_MS;

const OPTION_NAMES = [
  "url",
  "tls",
  "connectionsMax",
  "connectTimeoutMs",
  "statementTimeoutMs",
  "lockTimeoutMs",
] as const;

/**
 * The limits among the options of a statestore, with their defaults.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function resolveConnectionLimits(
  options: ConnectionLimits,
): Record<keyof ConnectionLimits, number> {
  checkOptionNames("statestore", options, OPTION_NAMES);
  const {
    connectionsMax = 8,
    connectTimeoutMs = 5_000,
    statementTimeoutMs = 10_000,
    lockTimeoutMs = 5_000,
  } = options;
  checkWholeNumber("connectionsMax", connectionsMax, { min: 1 });
  checkWholeNumber("connectTimeoutMs", connectTimeoutMs, { min: 1, max: TIMEOUT_MS_MAX });
  checkWholeNumber("statementTimeoutMs", statementTimeoutMs, {
    min: 1,
    max: STATEMENT_TIMEOUT_MS_MAX,
  });
  checkWholeNumber("lockTimeoutMs", lockTimeoutMs, { min: 1, max: TIMEOUT_MS_MAX });
  return { connectionsMax, connectTimeoutMs, statementTimeoutMs, lockTimeoutMs };
}

/**
 * I13: only what was loaded can be changed or answered, and a row that this program cannot read (of a
 * newer version, another codec, damaged, of another name) refuses every call and stays as it is.
 */
import type { RunLog, Violation } from "../run-log.ts";

type Log = Pick<RunLog, "operations" | "applied" | "attempts" | "unloaded">;

/** What a caller of such a row may be told; the others are about the call, not about the row. */
const refusals = new Set([
  "STATE_CORRUPT",
  "KEY_COLLISION",
  "STATESTORE_UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "OVERLOADED",
  "SHUTTING_DOWN",
]);

export function checkForeignRows(log: Log): readonly Violation[] {
  const violation = (what: string): Violation => ({ invariant: "I13", what });
  return [
    ...log.unloaded.map((what) => violation(`${what} without having loaded it`)),
    ...log.applied
      .filter(({ role }) => role === "foreign")
      .map(({ actor }) => violation(`${actor} was overwritten`)),
    ...log.operations
      .filter(({ role, outcome }) => role === "foreign" && outcome === "yes")
      .map(({ actor }) => violation(`${actor} was answered as if it could be read`)),
    ...log.attempts
      .filter(({ operation, endedAt }) => operation.role === "foreign" && endedAt !== undefined)
      .filter(({ code }) => code !== undefined && !refusals.has(code))
      .map(({ operation, code }) => violation(`${operation.actor} was refused with ${code}`)),
  ];
}

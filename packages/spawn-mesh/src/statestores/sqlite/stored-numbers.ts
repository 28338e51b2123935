/** Numbers of rows, of which a damaged one may have something else. */
import { SpawnError } from "../../engine/errors.ts";

/** The number in a column. @throws {SpawnError} `STATE_CORRUPT` when something else stands there, or one beyond 2^53 */
export function numberIn(column: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw new SpawnError("STATE_CORRUPT", `the stored ${column} is damaged: expected a number`);
}

/** Objects whose values are strings: tags and metadata. */
import { SpawnError } from "../errors.ts";

/** @throws {SpawnError} `INVALID_ARGUMENT` for what is none */
export function checkTextRecord(
  what: string,
  value: unknown,
): asserts value is Record<string, string> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isRecord && Object.values(value).every((text) => typeof text === "string")) return;
  throw new SpawnError("INVALID_ARGUMENT", `${what}: expected an object whose values are strings`);
}

/** Where a page of actors ended, as a text that means something to its statestore alone. */
import { isUtf8 } from "node:buffer";
import { SpawnError } from "../engine/errors.ts";

export function cursorOf(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws {SpawnError} `INVALID_ARGUMENT` when it is no place of so many parts */
export function placeOf(cursor: string, parts: number): readonly string[] {
  const place = parsed(cursor);
  const isPlace = Array.isArray(place) && place.length === parts;
  if (isPlace && place.every((part) => typeof part === "string")) return place;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `after: expected what the page before said, of the same question, got ${JSON.stringify(cursor.slice(0, 40))}`,
  );
}

function parsed(cursor: string): unknown {
  const bytes = Buffer.from(cursor, "base64url");
  try {
    return isUtf8(bytes) ? JSON.parse(bytes.toString()) : undefined;
  } catch {
    return undefined;
  }
}

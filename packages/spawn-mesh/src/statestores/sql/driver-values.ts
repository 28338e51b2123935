/** What drivers answer with, as what it means: numbers come as texts too, texts as bytes too. */
import assert from "node:assert";
import { isUtf8 } from "node:buffer";
import { SpawnError } from "../../engine/errors.ts";

export function numberOf(value: unknown): number {
  return Number(value);
}

export function optionalNumber(value: unknown): number | undefined {
  return value === null ? undefined : Number(value);
}

export function bytesOf(value: unknown): Buffer {
  assert(Buffer.isBuffer(value), "the driver answers bytes as a Buffer");
  return value;
}

/** @throws {SpawnError} `STATE_CORRUPT` for bytes that are no text */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const bytes = bytesOf(value);
  if (!isUtf8(bytes)) throw new SpawnError("STATE_CORRUPT", "a stored text is not UTF-8");
  return bytes.toString();
}

export function optionalText(value: unknown): string | undefined {
  return value === null ? undefined : textOf(value);
}

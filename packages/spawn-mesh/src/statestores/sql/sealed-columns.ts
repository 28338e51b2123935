/** How what may be encrypted stands in a row: its bytes, and the id of its key in a column of its own. */
import { isSealed, type Sealed } from "../../engine/sealed-rows.ts";
import type { StateBytes } from "../../engine/statestore.ts";
import { bytesOf, textOf } from "./driver-values.ts";

/** The columns `key_id` and the value. */
export type SealableColumns = readonly [keyId: string | null, value: Uint8Array | null];

export function sealableColumns(value: StateBytes | Sealed | null | undefined): SealableColumns {
  if (isSealed(value)) return [value.keyId, value.bytes];
  return [null, typeof value === "string" ? Buffer.from(value) : (value ?? null)];
}

/** What is a text when it is clear. @throws {SpawnError} `STATE_CORRUPT` */
export function textOrSealed(keyId: unknown, value: unknown): string | Sealed | null {
  if (keyId !== null) return sealedOf(keyId, value);
  return value === null ? null : textOf(value);
}

export function sealedOf(keyId: unknown, value: unknown): Sealed {
  // Nothing where encrypted bytes should be cannot be opened either.
  const bytes = value === null ? new Uint8Array(0) : plainBytes(value);
  return { keyId: textOf(keyId), bytes };
}

/** Bytes as they were given, without the methods of a Buffer. */
export function plainBytes(value: unknown): Uint8Array {
  const bytes = bytesOf(value);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

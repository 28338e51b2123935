/** How what may be encrypted stands in the file: the value, and the id of its key in a column of its own. */
import { isSealed, type Sealed } from "../../engine/sealed-rows.ts";

/** The columns `key_id` and the value; of what is encrypted its bytes. */
export type SealableColumns = readonly [keyId: string | null, value: string | Uint8Array | null];

export function sealableColumns(
  value: string | Uint8Array | Sealed | null | undefined,
): SealableColumns {
  return isSealed(value) ? [value.keyId, value.bytes] : [null, value ?? null];
}

/** What may be bytes when it is clear, too. */
export function stateOf([keyId, value]: SealableColumns): string | Uint8Array | Sealed | null {
  if (keyId !== null) return sealed(keyId, value);
  // A number is what is left of a damaged row.
  return typeof value === "string" || value instanceof Uint8Array ? value : null;
}

/** What is a text when it is clear: bytes without a key are what is left of a damaged row. */
export function textOf([keyId, value]: SealableColumns): string | Sealed | null {
  if (keyId === null && !(value instanceof Uint8Array)) return value;
  return sealed(keyId ?? "", value);
}

function sealed(keyId: string, value: string | Uint8Array | null): Sealed {
  // A text or nothing where encrypted bytes should be is damaged; no bytes cannot be opened either.
  return { keyId, bytes: value instanceof Uint8Array ? value : new Uint8Array(0) };
}

/**
 * Rows as lines of JSON. Etags are hexadecimal, bytes are base64 in an object of their own; what is
 * undefined is left out. See docs/guides/transfer.md.
 */
import type { Sealed } from "../../engine/sealed-rows.ts";
import { isSealed } from "../../engine/sealed-rows.ts";
import type { SystemRow } from "../../engine/system-rows.ts";

type Value = string | Uint8Array | Sealed | null | undefined;

/** A value that is not simply a text. */
interface BytesLine {
  readonly base64: string;
  /** The key that the bytes are sealed with. */
  readonly keyId?: string;
}

type ValueLine = string | BytesLine | null | undefined;

/** A row with its etags and its value as JSON can have them. */
interface RowLine {
  readonly kind: SystemRow["kind"];
  readonly actor?: unknown;
  readonly stored: Readonly<Record<string, unknown>>;
}

/** Which field of a row may be sealed. */
const VALUES = {
  state: "state",
  revision: "state",
  reply: "reply",
  message: "payload",
  parked: "payload",
} as const;

const ETAGS = ["etag", "baseEtag"] as const;

export function lineOfRow(row: SystemRow): string {
  const stored: Record<string, unknown> = { ...row.stored };
  const value = VALUES[row.kind];
  stored[value] = lineOfValue(stored[value] as Value);
  for (const etag of ETAGS) if (typeof stored[etag] === "string") stored[etag] = hex(stored[etag]);
  return JSON.stringify({ ...row, stored });
}

/** The row of a parsed line; `undefined` when it is none. */
export function rowOfLine(line: object): SystemRow | undefined {
  const { kind, stored, ...rest } = line as RowLine;
  const value = Object.hasOwn(VALUES, kind) ? VALUES[kind] : undefined;
  if (value === undefined || typeof stored !== "object" || stored === null) return undefined;
  const read: Record<string, unknown> = { ...stored };
  read[value] = valueOfLine(stored[value] as ValueLine);
  for (const etag of ETAGS) if (typeof stored[etag] === "string") read[etag] = latin1(stored[etag]);
  return { kind, ...rest, stored: read } as unknown as SystemRow;
}

function lineOfValue(value: Value): ValueLine {
  if (isSealed(value)) return { keyId: value.keyId, base64: base64(value.bytes) };
  return value instanceof Uint8Array ? { base64: base64(value) } : value;
}

function valueOfLine(line: ValueLine): Value {
  if (typeof line !== "object" || line === null) return line;
  const bytes = new Uint8Array(Buffer.from(line.base64, "base64"));
  return line.keyId === undefined ? bytes : { keyId: line.keyId, bytes };
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function hex(etag: string): string {
  return Buffer.from(etag, "latin1").toString("hex");
}

function latin1(text: string): string {
  return Buffer.from(text, "hex").toString("latin1");
}

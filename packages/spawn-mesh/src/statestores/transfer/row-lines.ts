/**
 * Rows as lines of JSON. Etags are hexadecimal, bytes are base64 in an object of their own; what is
 * undefined is left out. See docs/guides/transfer.md.
 */
import { type ActorId, checkName } from "../../engine/actor-id.ts";
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

/** Which field of a row is a value of its own kind: one that may be sealed, or bytes of an index. */
const VALUES = {
  state: "state",
  revision: "state",
  index: "value",
  reply: "reply",
  message: "payload",
  parked: "payload",
} as const;

const ETAGS = ["etag", "baseEtag"] as const;
const ETAG = /^[0-9a-f]{32}$/;

const STATE = { etag: "string", revision: "number", at: "number", stateVersion: "number" };
const MESSAGE = {
  id: "string",
  action: "string",
  headers: "object",
  isOrdered: "boolean",
  isTimer: "boolean",
  sentAt: "number",
  dueAt: "number",
  attempts: "number",
};

/** What a row of each kind always has. */
const FIELDS: Readonly<Record<SystemRow["kind"], Readonly<Record<string, string>>>> = {
  state: { ...STATE, epoch: "number", owner: "string", isDeleted: "boolean" },
  revision: STATE,
  index: { field: "string", value: "string" },
  reply: { key: "string", fingerprint: "string", kind: "string", expiresAt: "number" },
  message: { ...MESSAGE, isUnanswered: "boolean" },
  parked: { ...MESSAGE, error: "string", parkedAt: "number" },
};

export function lineOfRow(row: SystemRow): string {
  const stored: Record<string, unknown> = { ...row.stored };
  const value = VALUES[row.kind];
  stored[value] =
    row.kind === "index" ? hex(row.stored.value) : lineOfValue(stored[value] as Value);
  for (const etag of ETAGS) if (typeof stored[etag] === "string") stored[etag] = hex(stored[etag]);
  return JSON.stringify({ ...row, stored });
}

/** The row of a parsed line; `undefined` when it is none. @throws {SpawnError} `INVALID_ARGUMENT` for a name */
export function rowOfLine(line: object): SystemRow | undefined {
  const { kind, actor, stored } = line as RowLine;
  const value = Object.hasOwn(VALUES, kind) ? VALUES[kind] : undefined;
  if (value === undefined || typeof stored !== "object" || stored === null) return undefined;
  const areThere = Object.entries(FIELDS[kind]).every(
    ([name, type]) => typeof stored[name] === type,
  );
  if (!areThere) return undefined;
  const read: Record<string, unknown> = { ...stored };
  read[value] =
    kind === "index" ? latin1(String(stored[value])) : valueOfLine(stored[value] as ValueLine);
  for (const etag of ETAGS) {
    const text = stored[etag];
    if (text === undefined) continue;
    if (typeof text !== "string" || !ETAG.test(text)) return undefined;
    read[etag] = latin1(text);
  }
  if (kind === "message" || kind === "parked") {
    checkActor(stored["target"]);
    if (stored["source"] !== undefined) checkActor(stored["source"]);
    return { kind, stored: read } as unknown as SystemRow;
  }
  checkActor(actor);
  return { kind, actor, stored: read } as unknown as SystemRow;
}

function checkActor(actor: unknown): asserts actor is ActorId {
  const { system, definition, name } = actor as ActorId;
  checkName("system", system);
  checkName("definition", definition);
  checkName("actor", name);
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

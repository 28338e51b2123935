/**
 * Rows as lines of JSON. Etags are hexadecimal, bytes are base64 in an object of their own; what is
 * undefined is left out. See docs/guides/transfer.md.
 */
import { type ActorId, checkName } from "../../engine/actor-id.ts";
import { isSpawnError, messageOf } from "../../engine/errors.ts";
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
/** Every etag has so many characters of latin-1. */
const ETAG_LENGTH = 16;

const STATE: Fields = { etag: "string", revision: "number", at: "number", stateVersion: "number" };
const MESSAGE: Fields = {
  id: "string",
  action: "string",
  headers: "object",
  isOrdered: "boolean",
  isTimer: "boolean",
  sentAt: "number",
  dueAt: "number",
  attempts: "number",
};

type Fields = Readonly<Record<string, "string" | "number" | "object" | "boolean">>;

/** What a row of each kind always has. */
const FIELDS: Readonly<Record<SystemRow["kind"], Fields>> = {
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
  const read: Record<string, unknown> = { ...stored };
  if (kind === "index") read[value] = latin1(String(stored[value]));
  else read[value] = valueOfLine(stored[value] as ValueLine);
  for (const etag of ETAGS) if (etag in stored) read[etag] = latin1(String(stored[etag]));
  const isOfActor = kind !== "message" && kind !== "parked";
  const row = { kind, ...(isOfActor && { actor }), stored: read } as unknown as SystemRow;
  if (formProblem(row) !== undefined) return undefined;
  for (const [what, name] of namesIn(row)) checkName(what, name);
  return row;
}

/** Why a row cannot be carried: nobody could read its line. */
export function lineProblem(row: SystemRow): string | undefined {
  const problem = formProblem(row);
  if (problem !== undefined) return problem;
  try {
    for (const [what, name] of namesIn(row)) checkName(what, name);
  } catch (error) {
    if (isSpawnError(error)) return messageOf(error);
    throw error;
  }
  return undefined;
}

function formProblem({ kind, stored }: SystemRow): string | undefined {
  const fields = FIELDS[kind];
  const found = stored as unknown as Readonly<Record<string, unknown>>;
  for (const name in fields) {
    if (!isOfType(found[name], fields[name]!)) return `it has no ${name}`;
  }
  for (const name of ETAGS) {
    const etag = found[name];
    const isEtag = typeof etag === "string" && etag.length === ETAG_LENGTH;
    if (etag !== undefined && !isEtag)
      return `its ${name} is none: expected ${ETAG_LENGTH} characters`;
  }
  if ((kind === "state" || kind === "revision") && found["codec"] !== "json")
    return `it is stored as ${String(found["codec"])}, expected json`;
  return undefined;
}

function isOfType(value: unknown, type: Fields[string]): boolean {
  if (type === "number") return Number.isFinite(value);
  return typeof value === type && value !== null;
}

function* namesIn(row: SystemRow): Iterable<readonly [what: string, name: unknown]> {
  const isMessage = row.kind === "message" || row.kind === "parked";
  const { source, target } = isMessage ? row.stored : { source: undefined, target: row.actor };
  for (const actor of source === undefined ? [target] : [source, target]) {
    const { system, definition, name } = Object(actor) as ActorId;
    yield ["system", system];
    yield ["definition", definition];
    yield ["actor", name];
  }
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

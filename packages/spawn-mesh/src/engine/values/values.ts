/**
 * Values cross the boundary of an actor by value.
 *
 * State, payloads and replies are JSON values: null, booleans, finite numbers, strings, arrays and
 * plain objects; fields that are `undefined` are dropped. Anything else is refused with the path to
 * it, alike in memory, between processes and in the statestore. An opaque value passes as it is, but
 * only as the whole of a payload or reply.
 *
 * The copier is ours because `structuredClone` costs ten times as much and accepts what JSON loses.
 * It knows no path while all goes well; only when it meets something wrong is the value walked again
 * to say where.
 */
import { SpawnError, describeThrown } from "../errors.ts";
import { utf8Length } from "../actor-id.ts";
import { OpaqueValue } from "./value-text.ts";

/** What may cross the boundary of an actor. Written as a loop of types so that inference stays shallow. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [field: string]: JsonValue | undefined };

/** The deepest nesting of a value. */
export const VALUE_DEPTH_MAX = 256;

/** JSON writes one UTF-16 unit as six bytes at the most (`\u0000`). */
const JSON_BYTES_PER_UNIT_MAX = 6;
const FIELD_OVERHEAD = 4;
/** A number takes about as much memory as four units, and at least one byte as JSON. */
const NUMBER_UNITS = 4;
/** What counts as this many units takes at least one byte as JSON. */
const UNITS_PER_JSON_BYTE_MAX = NUMBER_UNITS;

/** Arrays and objects in a state, each counted as often as it is met. */
const STATE_NODES_MAX = 8 * 1024 * 1024;

const refused = new Error("not a JSON value");
const tooLarge = new Error("more than the limit");
let units = 0;
let nodes = 0;
/** Beyond it the copying ends: a small value that holds itself many times over has no end of copies. */
let unitsMax = Infinity;

/** A deep copy of `value`, normalised: no `undefined` fields, no negative zero. `undefined` stays as it is. */
export function copyValue(value: unknown, what: string): unknown {
  return copyAtMost(value, what, Infinity);
}

/** As {@link copyValue}, and refuses what takes more than `bytesMax` bytes as JSON. */
export function copyBounded(value: unknown, what: string, bytesMax: number): unknown {
  const copied = copyAtMost(value, what, bytesMax);
  if (copied !== undefined && (units + 1) * JSON_BYTES_PER_UNIT_MAX > bytesMax) {
    const bytes =
      copied instanceof OpaqueValue ? copied.bytes.length : utf8Length(JSON.stringify(copied));
    if (bytes > bytesMax) throw sizeRefusal(what, bytesMax, `${bytes}`);
  }
  return copied;
}

function copyAtMost(value: unknown, what: string, bytesMax: number): unknown {
  units = 0;
  unitsMax = bytesMax * UNITS_PER_JSON_BYTE_MAX;
  if (value === undefined) return undefined;
  try {
    const copied = copy(value, 0);
    if (units > unitsMax) throw tooLarge;
    return copied;
  } catch (error) {
    if (error === tooLarge) throw sizeRefusal(what, bytesMax, "far more");
    const opaque = error === refused ? opaqueOfAny(value) : undefined;
    if (opaque !== undefined) return opaque;
    throw refusal(error, value, what);
  }
}

/** An `Any` of protobuf says what an opaque value says: a type, and bytes. Its bytes are copied. */
function opaqueOfAny(value: unknown): OpaqueValue | undefined {
  const any = value as { readonly $typeName?: unknown; typeUrl?: unknown; value?: unknown } | null;
  const { typeUrl, value: bytes } = any ?? {};
  const isAny = any?.$typeName === "google.protobuf.Any";
  if (!isAny || typeof typeUrl !== "string" || !(bytes instanceof Uint8Array)) return undefined;
  units = typeUrl.length + bytes.length;
  return new OpaqueValue(typeUrl, bytes.slice());
}

function sizeRefusal(what: string, bytesMax: number, got: string): SpawnError {
  return new SpawnError(
    "PAYLOAD_TOO_LARGE",
    `${what}: expected at most ${bytesMax} bytes as JSON, got ${got}`,
  );
}

/** About how much memory the value copied last takes, in UTF-16 units: good enough to bound queues. */
export function lastCopiedUnits(): number {
  return units;
}

/** The JSON text of a state, after checking that it is a JSON value. */
export function encodeValue(value: unknown, what: string): string {
  nodes = 0;
  try {
    check(value, 0);
    return JSON.stringify(value);
  } catch (error) {
    if (error === tooLarge) {
      const message = `${what}: expected at most ${STATE_NODES_MAX} arrays and objects, got more`;
      throw new SpawnError("PAYLOAD_TOO_LARGE", message);
    }
    throw refusal(error, value, what);
  }
}

function copy(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      units += value.length;
      return value;
    case "number":
      if (!Number.isFinite(value)) throw refused;
      units += NUMBER_UNITS;
      return value + 0; // -0 becomes 0, as JSON would have it
    case "boolean":
      units += FIELD_OVERHEAD;
      return value;
    case "object":
      if (value === null) return null;
      if (depth === VALUE_DEPTH_MAX) throw refused;
      return Array.isArray(value) ? copyArray(value, depth + 1) : copyObject(value, depth + 1);
    default:
      throw refused;
  }
}

function copyArray(source: readonly unknown[], depth: number): unknown[] {
  const copied: unknown[] = [];
  if (units > unitsMax) throw tooLarge;
  units += source.length;
  for (let index = 0; index < source.length; index++) copied.push(copy(source[index], depth));
  return copied;
}

function copyObject(source: object, depth: number): object {
  if (!isPlain(source)) return unchanged(source, depth);
  const copied: Record<string, unknown> = {};
  for (const field in source) {
    const value = (source as Record<string, unknown>)[field];
    if (value === undefined) continue;
    units += field.length + FIELD_OVERHEAD;
    if (units > unitsMax) throw tooLarge;
    if (field === "__proto__") defineField(copied, field, copy(value, depth));
    else copied[field] = copy(value, depth);
  }
  return copied;
}

/** What is no plain object may be an opaque value, which nobody changes. */
function unchanged(source: object, depth: number): OpaqueValue {
  if (!(source instanceof OpaqueValue) || depth > 1) throw refused;
  units += source.type.length + source.bytes.length;
  return source;
}

function check(value: unknown, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw refused;
      return;
    case "object":
      if (value === null) return;
      if (depth === VALUE_DEPTH_MAX) throw refused;
      if (++nodes > STATE_NODES_MAX) throw tooLarge;
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index++) check(value[index], depth + 1);
        return;
      }
      if (!isPlain(value)) throw refused;
      for (const field in value) {
        const inner = (value as Record<string, unknown>)[field];
        if (inner !== undefined) check(inner, depth + 1);
      }
      return;
    default:
      throw refused;
  }
}

/** A plain object of this or another realm: its prototype is null, or has none itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}

function defineField(target: object, field: string, value: unknown): void {
  Object.defineProperty(target, field, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** The error for a value that was refused, or that threw while it was read: a getter, a proxy. */
function refusal(error: unknown, value: unknown, what: string): SpawnError {
  let cause = error;
  try {
    if (error === refused) return explain(value, what);
  } catch (thrown) {
    cause = thrown;
  }
  return new SpawnError("INVALID_ARGUMENT", `${what}: cannot be read: ${describeThrown(cause)}`, {
    cause,
  });
}

/** The error for a value that was refused: what was found, and where. */
function explain(value: unknown, what: string): SpawnError {
  const found = findProblem(value, what, []) ?? `${what}: a value that changes while it is read`;
  const inPlace = INSTEAD.find(([kind]) => found.endsWith(kind));
  const hint = inPlace === undefined ? "" : `; ${inPlace[1]} is one`;
  return new SpawnError(
    "INVALID_ARGUMENT",
    `${found}; expected null, a boolean, a finite number, a string, an array or a plain object${hint}`,
  );
}

/** What says the same as the values that are tried most often. */
const INSTEAD: readonly (readonly [kind: string, json: string])[] = [
  ["instance of Date", "date.getTime()"],
  ["instance of Map", "Object.fromEntries(map)"],
  ["instance of Set", "[...set]"],
  ["instance of Promise", "what it resolves to, with await,"],
  ["got bigint", "String(value)"],
];

function findProblem(value: unknown, path: string, parents: readonly object[]): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return `${path}: got ${value}`;
  if (typeof value !== "object") {
    return typeof value === "string" || typeof value === "boolean" || typeof value === "number"
      ? undefined
      : `${path}: got ${typeof value}`;
  }
  if (value === null) return undefined;
  if (parents.includes(value)) return `${path}: got a cycle`;
  if (parents.length === VALUE_DEPTH_MAX)
    return `${path.slice(0, 80)}…: nested deeper than ${VALUE_DEPTH_MAX} levels`;
  const inside = [...parents, value];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = findProblem(value[index], `${path}[${index}]`, inside);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (!isPlain(value)) return `${path}: got an instance of ${classOf(value)}`;
  for (const [field, inner] of Object.entries(value)) {
    const problem =
      inner === undefined ? undefined : findProblem(inner, `${path}.${field}`, inside);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function classOf(value: object): string {
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } };
  return describeThrown(constructor?.name ?? "an unknown class");
}

/**
 * Values of declared indexes as bytes, made in one place so that every statestore has one order:
 * booleans, numbers, strings. It only has to compare bytes.
 *
 * Numbers are doubles with the sign turned, so that they sort as they count. Strings are UTF-8 with an
 * end of their own, so that one which begins like another sorts behind it, also in a database that fills
 * bytes up with zeros to compare them; a NUL within is marked as none of that end.
 */
import { SpawnError, describeThrown } from "../errors.ts";
import { checkName, utf8Length } from "../actor-id.ts";

/** What an index may hold. */
export type IndexedValue = string | number | boolean;

/** A value as bytes that compare as values do: one latin-1 character a byte. */
export type IndexKey = string;

/** A field of an actor's index. */
export interface IndexEntry {
  readonly field: string;
  readonly value: IndexKey;
}

/** The most fields that the index of an actor may have. */
const INDEX_FIELDS_MAX = 16;
/** The longest name of a field, in bytes of UTF-8. */
const INDEX_FIELD_BYTES_MAX = 64;
/** The longest string in an index, in bytes of UTF-8. */
const INDEX_VALUE_BYTES_MAX = 512;

const BOOLEAN = "\u0001";
const NUMBER = "\u0002";
const STRING = "\u0003";
const END = "\u0000\u0001";
const NUL_WITHIN = "\u0000\u00ff";

/** The fields of an index as an actor's definition gives them, in the order of their names. @throws {SpawnError} */
export function indexEntries(index: unknown): readonly IndexEntry[] {
  if (typeof index !== "object" || index === null || Array.isArray(index)) {
    const got = describeThrown(index);
    throw new SpawnError("INVALID_ARGUMENT", `index: expected an object of fields, got ${got}`);
  }
  const fields = Object.entries(index).filter(([, value]) => value !== null && value !== undefined);
  if (fields.length > INDEX_FIELDS_MAX) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `index: expected at most ${INDEX_FIELDS_MAX} fields, got ${fields.length}`,
    );
  }
  return fields
    .map(([field, value]) => ({ field: checkedField(field), value: indexKey(field, value) }))
    .toSorted((a, b) => (a.field < b.field ? -1 : 1));
}

/**
 * @throws {SpawnError} `INVALID_ARGUMENT` for what no index can hold, `PAYLOAD_TOO_LARGE` for a string
 * that is too long
 */
export function indexKey(field: string, value: unknown): IndexKey {
  return keyOf(value, {
    what: `index.${field}`,
    expected: "a string, a finite number, a boolean or null",
  });
}

/** The same for a value that is looked for. @throws {SpawnError} as {@link indexKey} does */
export function wantedKey(field: string, value: unknown): IndexKey {
  return keyOf(value, {
    what: `where.${field}`,
    expected: "a string, a finite number or a boolean",
  });
}

function keyOf(
  value: unknown,
  { what, expected }: { readonly what: string; readonly expected: string },
): IndexKey {
  switch (typeof value) {
    case "boolean":
      return BOOLEAN + (value ? "\u0001" : "\u0000");
    case "number":
      if (Number.isFinite(value)) return NUMBER + sortable(value);
      break;
    case "string":
      if (value.isWellFormed()) return STRING + checkedBytes(what, value) + END;
      break;
    default:
  }
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${what}: expected ${expected}, got ${describeThrown(value)}`,
  );
}

/** What is before every value of the type of `value`, and what is behind all of them. */
export function boundsOfType(value: IndexedValue): readonly [from: IndexKey, below: IndexKey] {
  return typeof value === "number" ? [NUMBER, STRING] : [STRING, "\u0004"];
}

/** Whether both have the same entries, in order. */
export function isSameIndex(one: readonly IndexEntry[], other: readonly IndexEntry[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ field, value }, at) => other[at]?.field === field && other[at].value === value)
  );
}

function checkedField(field: string): string {
  checkName("index field", field);
  if (utf8Length(field) <= INDEX_FIELD_BYTES_MAX) return field;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `index: expected names of fields of at most ${INDEX_FIELD_BYTES_MAX} bytes, got ${JSON.stringify(field.slice(0, 40))}`,
  );
}

function checkedBytes(what: string, value: string): string {
  const bytes = value.length > INDEX_VALUE_BYTES_MAX ? value.length : utf8Length(value);
  if (bytes > INDEX_VALUE_BYTES_MAX) {
    throw new SpawnError(
      "PAYLOAD_TOO_LARGE",
      `${what}: expected a string of at most ${INDEX_VALUE_BYTES_MAX} bytes, got one of ${bytes} or more`,
    );
  }
  return Buffer.from(value).toString("latin1").replaceAll("\0", NUL_WITHIN);
}

/** The bytes of a double, so that they sort as numbers do. There is one zero. */
function sortable(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value + 0);
  const isNegative = bytes[0]! >= 0x80;
  for (let at = 0; at < bytes.length; at++) {
    bytes[at]! ^= isNegative ? 0xff : at === 0 ? 0x80 : 0;
  }
  return bytes.toString("latin1");
}

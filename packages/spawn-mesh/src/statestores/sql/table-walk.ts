/**
 * How tables are walked through in parts: in the order of their keys, each part found by its keys and
 * the sizes of its values first.
 */
import type { ActorId } from "../../engine/actor-id.ts";
import type { Dialect } from "./dialect.ts";
import { numberOf, textOf } from "./driver-values.ts";
import { type Sql, sql, type SqlResult, type SqlValue, text } from "./sql.ts";

/** The largest part of a walk, in bytes of values; the first row comes in any case. */
const PART_BYTES_MAX = 1024 * 1024;

/** A table, the key that orders it, and the column with what may be large. */
export interface WalkedTable {
  readonly table: string;
  readonly key: readonly string[];
  readonly value: string;
}

/** The names of an actor whose row is joined as `a`: they are what {@link actorOf} reads. */
export const NAMES = 'a."system", a.definition, a.name';

/** Keys and sizes of the rows, named `t`, after a key. */
export function keysAndSizes(
  dialect: Pick<Dialect, "limit" | "byteLength">,
  { table, key, value }: WalkedTable,
  { after, limit }: { readonly after: readonly SqlValue[] | undefined; readonly limit: number },
): Sql {
  const keys = text(key.map((column) => `t.${column}`).join(", "));
  return sql`SELECT ${keys}, ${dialect.byteLength(`t.${value}`)} FROM ${text(table)} t
    WHERE ${beyond(key, after)} ORDER BY ${keys} ${dialect.limit(limit)}`;
}

/** The keys after one. In this form every database begins to read where it says. */
export function beyond(columns: readonly string[], key: readonly SqlValue[] | undefined): Sql {
  if (key === undefined) return sql`1 = 1`;
  const [first, second] = columns.map((column) => text(`t.${column}`));
  if (second === undefined) return sql`${first!} > ${key[0]!}`;
  return sql`${first!} >= ${key[0]!} AND (${first!} > ${key[0]!} OR ${second} > ${key[1]!})`;
}

/** The keys up to one. */
export function upTo(columns: readonly string[], key: readonly SqlValue[]): Sql {
  const [first, second] = columns.map((column) => text(`t.${column}`));
  if (second === undefined) return sql`${first!} <= ${key[0]!}`;
  return sql`${first!} <= ${key[0]!} AND (${first!} < ${key[0]!} OR ${second} <= ${key[1]!})`;
}

/** As many of {@link keysAndSizes} as make a part. */
export function withinBytes(rows: SqlResult["rows"]): {
  readonly rows: SqlResult["rows"];
  readonly isCut: boolean;
} {
  let bytes = 0;
  const end = rows.findIndex((row, index) => {
    bytes += numberOf(row.at(-1) ?? 0);
    return index > 0 && bytes > PART_BYTES_MAX;
  });
  return end === -1 ? { rows, isCut: false } : { rows: rows.slice(0, end), isCut: true };
}

/** The names that a row begins with. */
export function actorOf([system, definition, name]: readonly unknown[]): ActorId {
  return { system: textOf(system), definition: textOf(definition), name: textOf(name) };
}

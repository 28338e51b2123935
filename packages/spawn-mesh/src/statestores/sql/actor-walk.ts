/**
 * A walk along a table in the order of its key, a part at a time: first the row at which the part ends is
 * found, which touches the key alone, and then what is asked for among the rows up to there. So a part takes about
 * as long whether it finds everything or nothing.
 */
import type { IndexCondition } from "../../engine/actor-queries.ts";
import type { IndexKey } from "../../engine/values/index-values.ts";
import type { Tags } from "../../engine/statestore.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { joined, type Sql, sql, type SqlResult, type SqlValue, text } from "./sql.ts";

export interface Walk {
  /** The tables, as FROM has them. */
  readonly from: Sql;
  /** What the rows that are looked at have in common. */
  readonly among: readonly Sql[];
  /** The columns that they are in order of. */
  readonly place: readonly string[];
}

/** Where a part begins and how far it may go. */
export interface WalkPart {
  /** The values of the walk's place that the part before ended at; none for the first. */
  readonly after: readonly SqlValue[] | undefined;
  readonly looksMax: number;
}

/** Runs a statement that goes along a key. */
export async function walkWith(
  { beforeWalk = [] }: Pick<Dialect, "beforeWalk">,
  driver: SqlDriver,
  statement: Sql,
): Promise<SqlResult> {
  return (await driver.snapshot([...beforeWalk, statement])).at(-1)!;
}

/** Answers the place of the last row to look at, or nothing if all are to be. */
export function endOfPart(
  { limit }: Pick<Dialect, "limit">,
  { from, among, place }: Walk,
  { after, looksMax }: WalkPart,
): Sql {
  const columns = text(place.join(", "));
  const conditions = [...among, ...beginning(place, after)];
  return sql`SELECT ${columns} FROM ${from} WHERE ${all(conditions)}
    ORDER BY ${columns} ${limit(1, looksMax - 1)}`;
}

/** Answers the rows of a part for which all `conditions` hold: their place, then `columns`. */
export function rowsOfPart(
  dialect: Pick<Dialect, "limit">,
  { from, among, place }: Walk,
  part: Pick<WalkPart, "after"> & {
    readonly columns: Sql;
    /** What the rows are joined with for the columns and conditions. */
    readonly join: Sql;
    readonly end: readonly SqlValue[] | undefined;
    readonly conditions: readonly Sql[];
    readonly limit: number;
  },
): Sql {
  const { after, end, conditions, columns, join, limit } = part;
  const order = text(place.join(", "));
  const ending = end === undefined ? [] : [comparison(place, end, "<=")];
  return sql`SELECT ${order}, ${columns} FROM ${from} ${join}
    WHERE ${all([...among, ...beginning(place, after), ...ending, ...conditions])}
    ORDER BY ${order} ${dialect.limit(limit)}`;
}

/** The condition on a field of the index, without the field. */
export function holdsFor(column: string, condition: IndexCondition): Sql {
  const value = text(column);
  if ("equals" in condition) return sql`${value} = ${keyBytes(condition.equals)}`;
  const { from, below } = condition;
  return sql`${value} >= ${keyBytes(from)} AND ${value} < ${keyBytes(below)}`;
}

export function keyBytes(key: IndexKey): Uint8Array {
  return Buffer.from(key, "latin1");
}

/** How a tag stands in the JSON of tags that have it. What looks like it may stand elsewhere, too. */
export function tagText(name: string, value: string): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

/** The tags of a row. That they are damaged is for those to hear who want the actor. */
export function readableTags(tags: string | null): Tags | undefined {
  try {
    return tags === null ? undefined : (JSON.parse(tags) as Tags);
  } catch {
    return undefined;
  }
}

export function hasTags(tags: Tags | undefined, wanted: Tags | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, value]) => tags?.[name] === value);
}

function beginning(
  place: readonly string[],
  after: readonly SqlValue[] | undefined,
): readonly Sql[] {
  return after === undefined ? [] : [comparison(place, after, ">")];
}

/** Whether a place comes behind or before another, said so that every database uses the key for it. */
function comparison(
  [column, ...columns]: readonly string[],
  [value = null, ...values]: readonly SqlValue[],
  sign: ">" | "<=",
): Sql {
  const first = text(column!);
  if (columns.length === 0) return sql`${first} ${text(sign)} ${value}`;
  const [strict, loose] = sign === ">" ? [">", ">="] : ["<", "<="];
  return sql`${first} ${text(loose)} ${value} AND (${first} ${text(strict)} ${value}
    OR ${comparison(columns, values, sign)})`;
}

function all(conditions: readonly Sql[]): Sql {
  return joined([sql`1 = 1`, ...conditions], " AND ");
}

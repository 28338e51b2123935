/** Finding actors in a SQL database. */
import { leadOf } from "../../engine/actor-queries.ts";
import type {
  ActorPage,
  ActorQueries,
  FoundActor,
  FoundActors,
  IndexCondition,
  IndexRewrite,
} from "../../engine/actor-queries.ts";
import { readable } from "../damaged-messages.ts";
import { cursorOf, placeOf } from "../page-cursor.ts";
import { keyOfActor, keyOfDefinition, keyOfHandle, latin1 } from "./actor-key.ts";
import { IS_DELETED } from "./actor-rows.ts";
import {
  endOfPart,
  hasTags,
  holdsFor,
  keyBytes,
  readableTags,
  rowsOfPart,
  tagText,
  type Walk,
  walkWith,
} from "./actor-walk.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { bytesOf, numberOf } from "./driver-values.ts";
import { joined, type Sql, sql, type SqlValue, text } from "./sql.ts";

/** Rows in one statement. */
const INSERTED_MAX = 100;

const FOUND_COLUMNS = "a.definition, a.name, a.flags, a.rev, a.at, a.tags";

export class SqlQueries implements ActorQueries {
  readonly #dialect: Dialect;
  readonly #driver: () => SqlDriver;

  /** @param driver throws when the statestore is not open */
  constructor(dialect: Dialect, driver: () => SqlDriver) {
    this.#dialect = dialect;
    this.#driver = driver;
  }

  async list(page: ActorPage): Promise<FoundActors> {
    const driver = this.#driver();
    const lead = leadOf(page.where);
    const walk = lead === undefined ? alongActors(page) : alongIndex(page, lead);
    const size = walk.place.length;
    const after = page.after === undefined ? undefined : placeOf(page.after, size).map(keyOfHandle);
    const ends = await walkWith(
      this.#dialect,
      driver,
      endOfPart(this.#dialect, walk, { after, looksMax: page.looksMax }),
    );
    const end = ends.rows[0] as readonly SqlValue[] | undefined;
    const { rows } = await walkWith(
      this.#dialect,
      driver,
      rowsOfPart(this.#dialect, walk, {
        after,
        end,
        columns: this.#columns(page),
        join: text(lead === undefined ? "" : "JOIN spawn_actor a ON a.k = i.k"),
        conditions: [...this.#conditions(page), ...otherFields(page.where, lead)],
        limit: page.limit,
      }),
    );
    const last = rows.length === page.limit ? rows.at(-1)!.slice(0, size) : end;
    const found = rows.map((row) => foundActor(row.slice(size)));
    return {
      actors: found.filter(({ tags }) => hasTags(tags, page.tags)),
      after: last && cursorOf(last.map((part) => latin1(bytesOf(part)))),
    };
  }

  /** The actors are locked while their etags are looked at, so that no commit of them comes in between. */
  async reindex(rewrites: readonly IndexRewrite[]): Promise<number> {
    if (rewrites.length === 0) return 0;
    const byKey = new Map(rewrites.map((one) => [latin1(keyOfActor(one.actor)), one]));
    const among = (keys: readonly string[]): Sql =>
      this.#dialect.among("k", "bytes", keys.map(keyBytes));
    const { lock } = this.#dialect;
    return await this.#driver().converse(async (transaction) => {
      const { rows } = await transaction.run(
        sql`SELECT k, etag FROM spawn_actor ${lock.hint} WHERE ${among([...byKey.keys()])}
          AND flags % 2 = 0 ORDER BY k ${lock.ending}`,
      );
      const same = rows
        .filter(([key, etag]) => byKey.get(latin1(bytesOf(key)))?.etag === latin1(bytesOf(etag)))
        .map(([key]) => latin1(bytesOf(key)));
      if (same.length === 0) return 0;
      await transaction.run(sql`DELETE FROM spawn_index WHERE ${among(same)}`);
      const entries = same.flatMap((key) => entryRows(keyBytes(key), byKey.get(key)!));
      for (let first = 0; first < entries.length; first += INSERTED_MAX) {
        const inserted = joined(entries.slice(first, first + INSERTED_MAX), ", ");
        await transaction.run(
          sql`INSERT INTO spawn_index (k, field, type, value) VALUES ${inserted}`,
        );
      }
      return same.length;
    });
  }

  #columns({ withSizes = false }: ActorPage): Sql {
    const size = withSizes ? this.#dialect.byteLength("a.state") : text("NULL");
    return sql`${text(FOUND_COLUMNS)}, ${size}`;
  }

  #conditions({ isDeleted, changedAfter, changedBefore, tags, system }: ActorPage): readonly Sql[] {
    const conditions = [
      sql`a."system" = ${system}`,
      text(`a.flags % 2 = ${isDeleted ? IS_DELETED : 0}`),
    ];
    if (changedAfter !== undefined) conditions.push(sql`a.at > ${changedAfter}`);
    if (changedBefore !== undefined) conditions.push(sql`a.at < ${changedBefore}`);
    for (const [name, value] of Object.entries(tags ?? {})) {
      conditions.push(this.#dialect.contains("a.tags", tagText(name, value)));
    }
    return conditions;
  }
}

function entryRows(key: Uint8Array, { actor, index }: IndexRewrite): readonly Sql[] {
  const type = keyOfDefinition(actor.system, actor.definition);
  return index.map(({ field, value }) => sql`(${key}, ${field}, ${type}, ${keyBytes(value)})`);
}

function alongActors({ system, definition }: ActorPage): Walk {
  const among =
    definition === undefined ? [] : [sql`a.type = ${keyOfDefinition(system, definition)}`];
  return { from: text("spawn_actor a"), among, place: ["a.k"] };
}

/** Of one value, entries are in the order of the actors. */
function alongIndex({ system, definition = "" }: ActorPage, lead: IndexCondition): Walk {
  const type = keyOfDefinition(system, definition);
  return {
    from: text("spawn_index i"),
    among: [sql`i.type = ${type}`, sql`i.field = ${lead.field}`, holdsFor("i.value", lead)],
    place: "equals" in lead ? ["i.k"] : ["i.value", "i.k"],
  };
}

function otherFields(
  where: readonly IndexCondition[],
  lead: IndexCondition | undefined,
): readonly Sql[] {
  return where
    .filter((condition) => condition !== lead)
    .map(
      (condition) => sql`EXISTS (SELECT 1 FROM spawn_index o WHERE o.k = a.k
        AND o.field = ${condition.field} AND ${holdsFor("o.value", condition)})`,
    );
}

function foundActor(row: readonly unknown[]): FoundActor {
  const [definition, name, flags, revision, at, tags, stateBytes] = row;
  return {
    definition: readable(definition),
    name: readable(name),
    isDeleted: (numberOf(flags) & IS_DELETED) !== 0,
    revision: numberOf(revision),
    changedAt: numberOf(at),
    tags: readableTags(tags === null ? null : readable(tags)),
    ...(stateBytes !== null && { stateBytes: numberOf(stateBytes) }),
  };
}

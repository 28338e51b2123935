/** The calls of `Statestore.queries`, in the worker. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { leadOf } from "../../engine/actor-queries.ts";
import type {
  ActorPage,
  ActorQueries,
  FoundActor,
  FoundActors,
  IndexCondition,
  IndexRewrite,
} from "../../engine/actor-queries.ts";
import { cursorOf, placeOf } from "../page-cursor.ts";
import {
  endOfPart,
  hasTags,
  holdsFor,
  keyBytes,
  readableTags,
  rowsOfPart,
  tagText,
  type Walk,
} from "../sql/actor-walk.ts";
import { commonForms } from "../sql/dialect.ts";
import { type Sql, sql, text } from "../sql/sql.ts";
import { prepareArrays } from "./connection.ts";
import { FoundRows } from "./found-rows.ts";
import { IndexTable } from "./index-table.ts";

/** A call on its way to the worker. */
export type QueryCall = {
  readonly [Name in keyof ActorQueries]: readonly [
    name: Name,
    ...inputs: Parameters<ActorQueries[Name]>,
  ];
}[keyof ActorQueries];

export function isQueryRead([name]: QueryCall): boolean {
  return name === "list";
}

type FoundColumns = readonly [
  isDeleted: number,
  revision: number,
  changedAt: number,
  tags: string | null,
  stateBytes: number | null,
];

const FOUND_COLUMNS = "a.is_deleted, a.revision, a.at, a.tags";
const SIZE = "octet_length(a.state)";

export class QueryCalls {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #index: IndexTable;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#index = new IndexTable(database);
    this.#find = prepareArrays(
      database,
      `SELECT id FROM spawn_name JOIN spawn_actor ON id = actor_id
       WHERE name = ? AND definition = ? AND system = ? AND etag = ? AND NOT is_deleted`,
    );
  }

  run(call: QueryCall): unknown {
    switch (call[0]) {
      case "list":
        return this.#list(call[1]);
      case "reindex":
        return call[1].filter((rewrite) => this.#reindexOne(rewrite)).length;
    }
  }

  #list(page: ActorPage): FoundActors {
    const lead = leadOf(page.where);
    const way = lead === undefined ? alongActors : alongIndex(page, lead);
    const size = way.place.length;
    const after = page.after === undefined ? undefined : way.inputs(placeOf(page.after, size));
    const [end] = this.#all(endOfPart(commonForms, way, { after, looksMax: page.looksMax }));
    const rows = this.#all(
      rowsOfPart(commonForms, way, {
        after,
        end: end as Inputs | undefined,
        columns: text(`${FOUND_COLUMNS}, ${page.withSizes === true ? SIZE : "NULL"}`),
        join: text(`JOIN spawn_actor a ON a.id = ${way.place[0]!.split(".")[0]!}.actor_id`),
        conditions: [...conditionsOf(page), ...otherFields(page.where, lead)],
        limit: page.limit,
      }),
    );
    const last = rows.length === page.limit ? rows.at(-1)!.slice(0, size) : end;
    const found = rows.map((row) =>
      foundActor(way.actorAt(row, page), row.slice(size) as unknown as FoundColumns),
    );
    return {
      actors: found.filter(({ tags }) => hasTags(tags, page.tags)),
      after: last && cursorOf(last.map(asText)),
    };
  }

  #all({ texts, values }: Sql): readonly (readonly unknown[])[] {
    return new FoundRows(this.#database, texts.join("?")).all(...values);
  }

  #reindexOne({ actor, etag, index }: IndexRewrite): boolean {
    const { name, definition, system } = actor;
    const found = this.#find.get(name, definition, system, Buffer.from(etag, "latin1"));
    if (found === undefined) return false;
    const [handle] = found as unknown as readonly [number];
    this.#index.replace(handle, actor, index);
    return true;
  }
}

type Inputs = readonly (string | Uint8Array)[];

/** A walk, and what its places mean. */
interface Way extends Walk {
  /** A place as values of statements. */
  inputs(place: readonly string[]): Inputs;
  /** Who stands at the beginning of a row. */
  actorAt(row: readonly unknown[], page: ActorPage): { definition: string; name: string };
}

const alongActors: Way = {
  from: text("spawn_name n"),
  among: [],
  place: ["n.name", "n.definition", "n.system"],
  inputs: (place) => place,
  actorAt: ([name, definition]) => ({ definition: definition as string, name: name as string }),
};

/** Of one value, entries are in the order of the names. */
function alongIndex({ system, definition = "" }: ActorPage, lead: IndexCondition): Way {
  const isOne = "equals" in lead;
  return {
    from: text("spawn_index i"),
    among: [
      sql`i.definition = ${definition}`,
      sql`i.system = ${system}`,
      sql`i.field = ${lead.field}`,
      holdsFor("i.value", lead),
    ],
    place: isOne ? ["i.name"] : ["i.value", "i.name"],
    inputs: (place) => (isOne ? place : [keyBytes(place[0]!), place[1]!]),
    actorAt: (row) => ({ definition, name: row[isOne ? 0 : 1] as string }),
  };
}

function conditionsOf(page: ActorPage): readonly Sql[] {
  const { isDeleted, changedAfter, changedBefore, tags, where, system, definition } = page;
  const conditions = [sql`a.is_deleted = ${isDeleted ? 1 : 0}`];
  if (where.length === 0) conditions.push(sql`n.system = ${system}`);
  if (where.length === 0 && definition !== undefined)
    conditions.push(sql`n.definition = ${definition}`);
  if (changedAfter !== undefined) conditions.push(sql`a.at > ${changedAfter}`);
  if (changedBefore !== undefined) conditions.push(sql`a.at < ${changedBefore}`);
  for (const [name, value] of Object.entries(tags ?? {})) {
    conditions.push(sql`instr(a.tags, ${tagText(name, value)}) > 0`);
  }
  return conditions;
}

function otherFields(
  where: readonly IndexCondition[],
  lead: IndexCondition | undefined,
): readonly Sql[] {
  return where
    .filter((condition) => condition !== lead)
    .map(
      (condition) => sql`EXISTS (SELECT 1 FROM spawn_index o WHERE o.actor_id = a.id
        AND o.field = ${condition.field} AND ${holdsFor("o.value", condition)})`,
    );
}

function asText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : (value as string);
}

function foundActor(
  actor: { definition: string; name: string },
  [isDeleted, revision, changedAt, tags, stateBytes]: FoundColumns,
): FoundActor {
  return {
    ...actor,
    isDeleted: isDeleted === 1,
    revision: Number(revision),
    changedAt: Number(changedAt),
    tags: readableTags(tags),
    ...(stateBytes !== null && { stateBytes }),
  };
}

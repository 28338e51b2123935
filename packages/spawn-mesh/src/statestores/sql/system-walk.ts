/**
 * Everything of a system as it is at one moment: table by table in one transaction that only reads,
 * however long that takes and whatever is written meanwhile.
 */
import { type FoundRow, systemOf, type SystemRow } from "../../engine/system-rows.ts";
import { IS_DELETED, STATE_COLUMNS, stateOrProblem } from "./actor-rows.ts";
import { latin1 } from "./actor-key.ts";
import type { Dialect, SqlTransaction } from "./dialect.ts";
import { bytesOf, numberOf, optionalNumber, textOf } from "./driver-values.ts";
import { MESSAGE_COLUMNS, storedMessage } from "./message-rows.ts";
import { sql, type SqlValue } from "./sql.ts";
import {
  foundRow,
  historyTable,
  inboxTable,
  parkedTable,
  type ReadTable,
  rowsBetween,
} from "./read-tables.ts";
import { actorOf, keysAndSizes, withinBytes } from "./table-walk.ts";

const PART_ROWS = 512;

type Row = readonly unknown[];

type Carried = ReadTable<SystemRow>;

/** Where the flags stand in {@link STATE_COLUMNS}, behind three names. */
const FLAGS = 3 + 4;

/** Actors come first, so that nothing comes before the actor it belongs to. */
const tables: readonly Carried[] = [
  {
    kind: "state",
    at: {},
    table: "spawn_actor",
    key: ["k"],
    value: "state",
    columns: `${STATE_COLUMNS}, base_etag, epoch, owner, kept_at`,
    hasActor: true,
    read: stateRow,
  },
  historyTable,
  {
    kind: "index",
    at: { key: 0 },
    table: "spawn_index",
    key: ["k", "field"],
    value: "value",
    columns: "field, value",
    hasActor: true,
    read: (row) => ({
      kind: "index",
      actor: actorOf(row),
      stored: { field: textOf(row[3]), value: latin1(bytesOf(row[4])) },
    }),
  },
  inboxTable,
  {
    kind: "message",
    at: {},
    table: "spawn_outbox",
    key: ["position"],
    value: "payload",
    columns: `${MESSAGE_COLUMNS}, is_unanswered`,
    hasActor: false,
    read: (row) => ({
      kind: "message",
      stored: { ...storedMessage(row), isUnanswered: numberOf(row.at(-1)) === 1 },
    }),
  },
  parkedTable,
];

export async function* readSystem(
  dialect: Pick<Dialect, "limit" | "byteLength">,
  view: SqlTransaction,
  system: string,
): AsyncGenerator<readonly FoundRow[], void, undefined> {
  for (const carried of tables) {
    let after: readonly SqlValue[] | undefined;
    for (;;) {
      const { rows: found } = await view.run(
        keysAndSizes(dialect, carried, { after, limit: PART_ROWS }),
      );
      const { rows: looked, isCut } = withinBytes(found);
      const last = looked.at(-1)?.slice(0, carried.key.length) as readonly SqlValue[] | undefined;
      if (last === undefined) break;
      const isWanted = carried.hasActor ? sql`a."system" = ${system}` : sql`1 = 1`;
      const { rows } = await view.run(rowsBetween(carried, { after, last }, isWanted));
      const own = rows
        .map((row) => foundRow(row, carried, system))
        .filter((row) => row !== undefined && isOf(system, row)) as readonly FoundRow[];
      if (own.length > 0) yield own;
      if (!isCut && looked.length < PART_ROWS) break;
      after = last;
    }
  }
}

function stateRow(row: Row): SystemRow {
  const [baseEtag, epoch, owner, keptAt] = row.slice(-4);
  return {
    kind: "state",
    actor: actorOf(row),
    stored: {
      ...stateOrProblem(row.slice(3)),
      isDeleted: (numberOf(row[FLAGS]) & IS_DELETED) !== 0,
      baseEtag: baseEtag === null ? undefined : latin1(bytesOf(baseEtag)),
      epoch: numberOf(epoch),
      owner: textOf(owner),
      keptAt: optionalNumber(keptAt ?? null),
    },
  };
}

/** Rows of actors were asked for by their system; messages of all systems are in one table. */
function isOf(system: string, row: FoundRow): boolean {
  return (row.kind !== "message" && row.kind !== "parked") || systemOf(row.stored) === system;
}

/**
 * Everything of a system as it is at one moment: table by table in one transaction that only reads,
 * however long that takes and whatever is written meanwhile.
 */
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { systemOf, type SystemRow } from "../../engine/system-rows.ts";
import {
  IS_DELETED,
  REPLY_COLUMNS,
  STATE_COLUMNS,
  storedReply,
  storedState,
} from "./actor-rows.ts";
import { latin1 } from "./actor-key.ts";
import type { Dialect, SqlTransaction } from "./dialect.ts";
import { bytesOf, numberOf, optionalNumber, textOf } from "./driver-values.ts";
import { MESSAGE_COLUMNS, PARKED_COLUMNS, parkedMessage, storedMessage } from "./message-rows.ts";
import { type Sql, sql, type SqlValue, text } from "./sql.ts";
import { prefixed } from "./sql-messages.ts";
import {
  actorOf,
  beyond,
  keysAndSizes,
  NAMES,
  upTo,
  type WalkedTable,
  withinBytes,
} from "./table-walk.ts";

const PART_ROWS = 512;

type Row = readonly unknown[];

interface Carried extends WalkedTable {
  readonly columns: string;
  /** Whether the row of the actor is joined for its names, which come first. */
  readonly hasActor: boolean;
  readonly read: (row: Row) => SystemRow;
}

/** Where the flags stand in {@link STATE_COLUMNS}, behind three names. */
const FLAGS = 3 + 4;

/** Actors come first, so that nothing comes before the actor it belongs to. */
const tables: readonly Carried[] = [
  {
    table: "spawn_actor",
    key: ["k"],
    value: "state",
    columns: `${STATE_COLUMNS}, base_etag, epoch, owner, kept_at`,
    hasActor: true,
    read: stateRow,
  },
  {
    table: "spawn_history",
    key: ["k", "rev"],
    value: "state",
    columns: STATE_COLUMNS,
    hasActor: true,
    read: (row) => ({ kind: "revision", actor: actorOf(row), stored: storedState(row.slice(3)) }),
  },
  {
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
  {
    table: "spawn_inbox",
    key: ["k", "id"],
    value: "reply",
    columns: `id, ${REPLY_COLUMNS}`,
    hasActor: true,
    read: (row) => ({
      kind: "reply",
      actor: actorOf(row),
      stored: storedReply(textOf(row[3]), row.slice(4)),
    }),
  },
  {
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
  {
    table: "spawn_parked",
    key: ["id"],
    value: "payload",
    columns: PARKED_COLUMNS,
    hasActor: false,
    read: (row) => ({ kind: "parked", stored: parkedMessage(row) }),
  },
];

/** @throws {SpawnError} `STATE_CORRUPT` */
export async function* readSystem(
  dialect: Pick<Dialect, "limit" | "byteLength">,
  view: SqlTransaction,
  system: string,
): AsyncGenerator<readonly SystemRow[], void, undefined> {
  for (const carried of tables) {
    let after: readonly SqlValue[] | undefined;
    for (;;) {
      const { rows: found } = await view.run(
        keysAndSizes(dialect, carried, { after, limit: PART_ROWS }),
      );
      const { rows: looked, isCut } = withinBytes(found);
      const last = looked.at(-1)?.slice(0, carried.key.length) as readonly SqlValue[] | undefined;
      if (last === undefined) break;
      const { rows } = await view.run(rowsBetween(carried, { after, last, system }));
      const read = rows.map((row) => whole(row, carried));
      const own = carried.hasActor ? read : read.filter((row) => isOf(system, row));
      if (own.length > 0) yield own;
      if (!isCut && looked.length < PART_ROWS) break;
      after = last;
    }
  }
}

function rowsBetween(
  { table, key, columns, hasActor }: Carried,
  between: {
    readonly after: readonly SqlValue[] | undefined;
    readonly last: readonly SqlValue[];
    readonly system: string;
  },
): Sql {
  const { after, last, system } = between;
  const names = text(hasActor ? `${NAMES}, ` : "");
  const actor = text(hasActor ? "JOIN spawn_actor a ON a.k = t.k" : "");
  const isWanted = hasActor ? sql`a."system" = ${system}` : sql`1 = 1`;
  const keys = text(key.map((column) => `t.${column}`).join(", "));
  return sql`SELECT ${names}${text(prefixed("t", columns))} FROM ${text(table)} t ${actor}
    WHERE ${beyond(key, after)} AND ${upTo(key, last)} AND ${isWanted} ORDER BY ${keys}`;
}

function stateRow(row: Row): SystemRow {
  const [baseEtag, epoch, owner, keptAt] = row.slice(-4);
  return {
    kind: "state",
    actor: actorOf(row),
    stored: {
      ...storedState(row.slice(3)),
      isDeleted: (numberOf(row[FLAGS]) & IS_DELETED) !== 0,
      baseEtag: baseEtag === null ? undefined : latin1(bytesOf(baseEtag)),
      epoch: numberOf(epoch),
      owner: textOf(owner),
      keptAt: optionalNumber(keptAt ?? null),
    },
  };
}

function isOf(system: string, row: SystemRow): boolean {
  return (row.kind === "message" || row.kind === "parked") && systemOf(row.stored) === system;
}

/** @throws {SpawnError} `STATE_CORRUPT` that says where */
function whole(row: Row, { table, hasActor, read }: Carried): SystemRow {
  try {
    return read(row);
  } catch (cause) {
    const of = hasActor ? row.slice(0, 3).map(String).join("/") : String(row[0]);
    const message = `the row of ${of} in ${table} is damaged: ${describeThrown(cause)}`;
    throw new SpawnError("STATE_CORRUPT", message, { cause });
  }
}

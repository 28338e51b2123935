/**
 * A walk over everything in the database that may be encrypted: table by table, each in the order of its
 * key, so that it can stop after any row.
 *
 * A part is found by its keys and sizes first; only what holds something else than the wanted key is read.
 */
import type { DamagedRow } from "../../engine/damaged-rows.ts";
import { errorMark } from "../../engine/sealed-rows.ts";
import type { ScannedRows, SealableRow, SealedRows } from "../../engine/sealed-rows.ts";
import { STATE_COLUMNS, storedState } from "./actor-rows.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { MESSAGE_COLUMNS, storedMessage } from "./message-rows.ts";
import { type Sql, sql, type SqlValue, text } from "./sql.ts";
import {
  foundRow,
  historyTable,
  inboxTable,
  parkedTable,
  type ReadTable,
  rowsBetween,
  STATE_KEY_ID,
} from "./read-tables.ts";
import { actorOf, keysAndSizes, withinBytes } from "./table-walk.ts";

/** A table with values that may be encrypted. */
type Walked = ReadTable<SealableRow>;

const walk: readonly Walked[] = [
  {
    kind: "state",
    at: { keyId: STATE_KEY_ID },
    table: "spawn_actor",
    key: ["k"],
    value: "state",
    columns: STATE_COLUMNS,
    hasActor: true,
    read: (row) => ({ kind: "state", actor: actorOf(row), stored: storedState(row.slice(3)) }),
  },
  historyTable,
  inboxTable,
  {
    kind: "message",
    at: {},
    table: "spawn_outbox",
    key: ["position"],
    value: "payload",
    columns: MESSAGE_COLUMNS,
    hasActor: false,
    read: (row) => ({ kind: "message", stored: storedMessage(row) }),
  },
  parkedTable,
];

/** Which table, and the key of the last row of it that was looked at. */
interface Place {
  readonly table: number;
  readonly key?: readonly SqlValue[] | undefined;
}

export async function scanSealed(
  dialect: Pick<Dialect, "limit" | "byteLength">,
  driver: SqlDriver,
  { keyId, after, limit }: Parameters<SealedRows["scan"]>[0],
): Promise<ScannedRows> {
  const place = after === undefined ? { table: 0 } : placeOf(after);
  const walked = walk[place.table]!;
  const found = await driver.query(keysAndSizes(dialect, walked, { after: place.key, limit }));
  const { rows: looked, isCut } = withinBytes(found.rows);
  const last = looked.at(-1)?.slice(0, walked.key.length) as readonly SqlValue[] | undefined;
  const isOver = !isCut && looked.length < limit;
  const next: Place = isOver ? { table: place.table + 1 } : { table: place.table, key: last };
  const rows =
    last === undefined
      ? []
      : (await driver.query(otherKeys(walked, { after: place.key, last, keyId }))).rows;
  const read = rows.flatMap((row) => foundRow(row, walked) ?? []);
  return {
    rows: read.filter((row): row is SealableRow => row.kind !== "damaged"),
    damaged: read.filter((row): row is DamagedRow => row.kind === "damaged"),
    // Some may have come between the two.
    seen: Math.max(looked.length, rows.length),
    after: next.table === walk.length ? undefined : textOfPlace(next),
  };
}

function otherKeys(
  walked: Walked,
  {
    keyId,
    ...part
  }: {
    readonly after: readonly SqlValue[] | undefined;
    readonly last: readonly SqlValue[];
    readonly keyId: string;
  },
): Sql {
  // Deleted actors have no state; replies and messages may be empty.
  const isThere = text(walked.value === "state" ? "t.state IS NOT NULL" : "1 = 1");
  const isOther = sql`t.key_id IS NULL OR t.key_id <> ${keyId}`;
  const isAnyOther = walked.hasActor ? isOther : sql`${isOther} OR ${hasOtherError(keyId)}`;
  return rowsBetween(walked, part, sql`${isThere} AND (${isAnyOther})`);
}

/** The condition that a message has failed, and the reason for it is not sealed with the key. */
function hasOtherError(keyId: string): Sql {
  const mark = errorMark(keyId);
  return sql`SUBSTRING(t.error, 1, ${text(`${mark.length}`)}) <> ${mark}`;
}

/** Keys are bytes or numbers; numbers may come as texts. */
function textOfPlace({ table, key }: Place): string {
  const parts = key?.map((part) =>
    part instanceof Uint8Array ? Buffer.from(part).toString("base64") : Number(part),
  );
  return JSON.stringify({ table, key: parts });
}

function placeOf(after: string): Place {
  const { table, key } = JSON.parse(after) as {
    readonly table: number;
    readonly key?: readonly (string | number)[];
  };
  return {
    table,
    key: key?.map((part) => (typeof part === "string" ? Buffer.from(part, "base64") : part)),
  };
}

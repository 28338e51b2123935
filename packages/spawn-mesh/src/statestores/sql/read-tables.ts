/** Tables whose rows are read whole by those who walk through them: which columns, and what they become. */
import type { ActorId } from "../../engine/actor-id.ts";
import type { DamagedRow, RowKind } from "../../engine/damaged-rows.ts";
import type { ParkedMessage } from "../../engine/message-store.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import { damagedMessageRow, problemText, readable } from "../damaged-messages.ts";
import { REPLY_COLUMNS, STATE_COLUMNS, storedReply, storedState } from "./actor-rows.ts";
import { textOf } from "./driver-values.ts";
import { PARKED_COLUMNS, parkedMessage } from "./message-rows.ts";
import { type Sql, sql, type SqlValue, text } from "./sql.ts";
import { prefixed } from "./sql-messages.ts";
import { actorOf, beyond, NAMES, upTo, type WalkedTable } from "./table-walk.ts";

export interface ReadTable<Found> extends WalkedTable {
  /** What its rows are. */
  readonly kind: RowKind;
  readonly columns: string;
  /** Whether the row of the actor is joined for its names, which come first. */
  readonly hasActor: boolean;
  readonly read: (row: readonly unknown[]) => Found;
  /** Where the key of the value stands among the columns, and what tells the row from others of its actor. */
  readonly at: { readonly keyId?: number; readonly key?: number };
}

/** A row; what is known of it when it is damaged; nothing when it is of another system than is asked for. */
export function foundRow<Found>(
  row: readonly unknown[],
  { kind, hasActor, read, at }: Pick<ReadTable<Found>, "kind" | "hasActor" | "read" | "at">,
  system?: string,
): Found | DamagedRow | undefined {
  try {
    return read(row);
  } catch (problem) {
    if (!hasActor) return damagedMessageRow(kind as "message" | "parked", row, { system, problem });
    const [ofSystem, definition, name, ...columns] = row.map(readable);
    const keyId = at.keyId === undefined ? undefined : (row[NAMES_COUNT + at.keyId] ?? undefined);
    return {
      kind: "damaged",
      of: kind,
      actor: { system: ofSystem!, definition: definition!, name: name! },
      key: at.key === undefined ? "" : columns[at.key]!,
      isOwn: true,
      keyId: keyId === undefined ? undefined : readable(keyId),
      problem: problemText(problem),
    };
  }
}

const NAMES_COUNT = 3;
/** In the order of {@link STATE_COLUMNS}. */
export const STATE_KEY_ID = 5;

/** The rows of a table, named `t`, after one key and up to another, if `condition` holds. */
export function rowsBetween(
  { table, key, columns, hasActor }: Omit<ReadTable<unknown>, "read">,
  part: { readonly after: readonly SqlValue[] | undefined; readonly last: readonly SqlValue[] },
  condition: Sql,
): Sql {
  const names = text(hasActor ? `${NAMES}, ` : "");
  const actor = text(hasActor ? "JOIN spawn_actor a ON a.k = t.k" : "");
  const keys = text(key.map((column) => `t.${column}`).join(", "));
  return sql`SELECT ${names}${text(prefixed("t", columns))} FROM ${text(table)} t ${actor}
    WHERE ${beyond(key, part.after)} AND ${upTo(key, part.last)} AND ${condition} ORDER BY ${keys}`;
}

export const historyTable: ReadTable<{
  readonly kind: "revision";
  readonly actor: ActorId;
  readonly stored: StoredState;
}> = {
  kind: "revision",
  at: { key: 0, keyId: STATE_KEY_ID },
  table: "spawn_history",
  key: ["k", "rev"],
  value: "state",
  columns: STATE_COLUMNS,
  hasActor: true,
  read: (row) => ({ kind: "revision", actor: actorOf(row), stored: storedState(row.slice(3)) }),
};

export const inboxTable: ReadTable<{
  readonly kind: "reply";
  readonly actor: ActorId;
  readonly stored: StoredReply;
}> = {
  kind: "reply",
  // Behind the id, as in REPLY_COLUMNS.
  at: { key: 0, keyId: 3 },
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
};

export const parkedTable: ReadTable<{
  readonly kind: "parked";
  readonly stored: ParkedMessage;
}> = {
  kind: "parked",
  at: {},
  table: "spawn_parked",
  key: ["id"],
  value: "payload",
  columns: PARKED_COLUMNS,
  hasActor: false,
  read: (row) => ({ kind: "parked", stored: parkedMessage(row) }),
};

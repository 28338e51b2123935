/**
 * A walk over everything in the file that may be encrypted.
 *
 * It goes through the actors by name, since rows do not know their names, and looks at all that is
 * kept of one; then through the messages in line, and through the parked ones by id. It can stop
 * after any row, so that no call holds up commits for long, however much one actor keeps.
 */
import type { DatabaseSync } from "node:sqlite";
import {
  isSealed,
  isSealedWith,
  sealableValue,
  type ScannedRows,
  type SealableRow,
  type SealedRows,
} from "../../engine/sealed-rows.ts";
import type { DamagedRow } from "../../engine/damaged-rows.ts";
import { damagedMessageRow, readable } from "../damaged-messages.ts";
import { FoundRows } from "./found-rows.ts";
import {
  foundOr,
  HISTORY_COLUMNS,
  type HistoryColumns,
  KEPT_KEY_ID,
  keptState,
  REPLY_COLUMNS,
  type ReplyColumns,
  replyAt,
  revisionAt,
  storedReply,
} from "./kept-rows.ts";
import { storedMessage, STORED_COLUMNS, type StoredColumns } from "./message-rows.ts";

/** The largest part of a walk, in bytes of values; the first row comes in any case. */
const PART_BYTES_MAX = 1024 * 1024;

/** The last row that was looked at. */
interface Place {
  readonly at: SealableRow["kind"];
  /** Whose state, revision or reply it is. */
  readonly actor?: Names;
  /** A revision, the key of a reply, the position of a message, or the id of a parked one. */
  readonly key?: number | string;
}

type Names = readonly [name: string, definition: string, system: string];

/** A row that was looked at; `undefined` for an actor without a state. */
type Looked = readonly [place: Place, row: SealableRow | DamagedRow | undefined];

const NO_NAMES: Names = ["", "", ""];

export class SealedScan {
  readonly #actors: FoundRows<readonly [...Names, id: number]>;
  readonly #state: FoundRows<HistoryColumns>;
  readonly #history: FoundRows<HistoryColumns>;
  readonly #replies: FoundRows<readonly [key: string, ...ReplyColumns]>;
  readonly #messages: FoundRows<readonly [position: number, ...StoredColumns]>;
  readonly #parked: FoundRows<readonly [id: string, ...StoredColumns]>;

  constructor(database: DatabaseSync) {
    this.#actors = new FoundRows(
      database,
      `SELECT name, definition, system, actor_id FROM spawn_name
       WHERE (name, definition, system) >= (?, ?, ?) ORDER BY name, definition, system`,
    );
    this.#state = new FoundRows(
      database,
      `SELECT ${HISTORY_COLUMNS} FROM spawn_actor WHERE id = ? AND state IS NOT NULL`,
    );
    this.#history = new FoundRows(
      database,
      `SELECT ${HISTORY_COLUMNS} FROM spawn_history
       WHERE actor_id = ? AND revision > ? ORDER BY revision`,
    );
    this.#replies = new FoundRows(
      database,
      `SELECT key, ${REPLY_COLUMNS} FROM spawn_inbox WHERE actor_id = ? AND key > ? ORDER BY key`,
    );
    this.#messages = new FoundRows(
      database,
      `SELECT position, ${STORED_COLUMNS} FROM spawn_message WHERE position > ? ORDER BY position`,
    );
    this.#parked = new FoundRows(
      database,
      `SELECT id, ${STORED_COLUMNS} FROM spawn_parked WHERE id > ? ORDER BY id`,
    );
  }

  run({ keyId, after, limit }: Parameters<SealedRows["scan"]>[0]): ScannedRows {
    const rows: SealableRow[] = [];
    const damaged: DamagedRow[] = [];
    let seen = 0;
    let bytes = 0;
    let place: Place = { at: "state" };
    for (const [next, row] of this.#rowsAfter(after)) {
      if (seen >= limit || bytes >= PART_BYTES_MAX) {
        return { rows, damaged, seen, after: JSON.stringify(place) };
      }
      place = next;
      seen++;
      if (row === undefined) continue;
      if (row.kind === "damaged") {
        if (row.keyId !== keyId) damaged.push(row);
        continue;
      }
      const value = sealableValue(row);
      bytes += (isSealed(value) ? value.bytes : value)?.length ?? 0;
      if (!isSealedWith(keyId, row)) rows.push(row);
    }
    return { rows, damaged, seen, after: undefined };
  }

  *#rowsAfter(after: string | undefined): Iterable<Looked> {
    const place = after === undefined ? undefined : (JSON.parse(after) as Place);
    const at = place?.at;
    if (at !== "message" && at !== "parked") yield* this.#ofActors(place);
    if (at !== "parked") yield* this.#ofMessages(at === "message" ? place : undefined);
    yield* this.#ofParked(at === "parked" ? place : undefined);
  }

  *#ofActors(place: Place | undefined): Iterable<Looked> {
    const begun = place?.actor ?? NO_NAMES;
    for (const [name, definition, system, id] of this.#actors.iterate(...begun)) {
      const actor: Names = [name, definition, system];
      const isBegun = actor.every((part, index) => part === begun[index]);
      yield* this.#ofActor(actor, id, isBegun ? place : undefined);
    }
  }

  *#ofActor(names: Names, id: number, place: Place | undefined): Iterable<Looked> {
    const [name, definition, system] = names;
    const actor = { system, definition, name };
    if (place === undefined) {
      const columns = this.#state.get(id);
      yield [
        { at: "state", actor: names },
        columns &&
          foundOr({ of: "state", actor, key: "", keyId: columns[KEPT_KEY_ID] }, () => ({
            kind: "state",
            actor,
            stored: keptState(columns),
          })),
      ];
    }
    if (place?.at !== "reply") {
      for (const columns of this.#history.iterate(id, place?.key ?? 0)) {
        yield [
          { at: "revision", actor: names, key: readable(columns[0]) },
          foundOr(revisionAt(actor, columns), () => ({
            kind: "revision",
            actor,
            stored: keptState(columns),
          })),
        ];
      }
    }
    const rows = this.#replies.iterate(id, place?.at === "reply" ? place.key! : "");
    for (const [key, ...columns] of rows) {
      yield [
        { at: "reply", actor: names, key },
        foundOr(replyAt(actor, key, columns), () => ({
          kind: "reply",
          actor,
          stored: storedReply(key, columns),
        })),
      ];
    }
  }

  *#ofMessages(place: Place | undefined): Iterable<Looked> {
    for (const [key, ...columns] of this.#messages.iterate(place?.key ?? 0)) {
      yield [{ at: "message", key }, foundMessage("message", columns)];
    }
  }

  *#ofParked(place: Place | undefined): Iterable<Looked> {
    for (const [key, ...columns] of this.#parked.iterate(place?.key ?? "")) {
      yield [{ at: "parked", key }, foundMessage("parked", columns)];
    }
  }
}

function foundMessage(kind: "message" | "parked", columns: StoredColumns): Looked[1] {
  try {
    return { kind, stored: storedMessage(columns) };
  } catch (problem) {
    return damagedMessageRow(kind, columns, { problem });
  }
}

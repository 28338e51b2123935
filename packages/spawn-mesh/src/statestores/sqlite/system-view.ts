/**
 * Everything of a system as it is at one moment: a connection of its own, in one read transaction,
 * which walks through the file while the other connection goes on. The log cannot be carried into the
 * file beyond that moment until the view is closed.
 */
import { DatabaseSync } from "node:sqlite";
import type { StoredMessage } from "../../engine/message-store.ts";
import { type ActorRow, type FoundRow, lostActor, systemOf } from "../../engine/system-rows.ts";
import { damagedMessageRow, problemText, readable } from "../damaged-messages.ts";
import { partsOf } from "../row-parts.ts";
import { FoundRows } from "./found-rows.ts";
import { numberIn } from "./stored-numbers.ts";
import {
  foundOr,
  HISTORY_COLUMNS,
  type HistoryColumns,
  keptState,
  REPLY_COLUMNS,
  type ReplyColumns,
  replyAt,
  revisionAt,
  storedReply,
} from "./kept-rows.ts";
import { ACTOR_COLUMNS, type ActorColumns, actorRow } from "./load-rows.ts";
import { storedMessage, STORED_COLUMNS, type StoredColumns } from "./message-rows.ts";

export class SystemView {
  readonly #database: DatabaseSync;
  readonly #parts: Iterator<readonly FoundRow[], void>;

  constructor(file: string, timeout: number, system: string) {
    this.#database = new DatabaseSync(file, { readOnly: true, timeout });
    try {
      // The first look at the file makes the moment.
      this.#database.exec("BEGIN; SELECT count(*) FROM spawn_meta");
      this.#parts = partsOf(this.#read(system));
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** The next rows; none when all were read. */
  nextPart(): readonly FoundRow[] {
    const { value, done } = this.#parts.next();
    return done === true ? [] : value;
  }

  close(): void {
    this.#database.close();
  }

  *#read(system: string): Iterable<FoundRow> {
    type Row = readonly [name: string, definition: string, id: number, ...ActorColumns];
    const actors = this.#prepare<Row>(
      `SELECT name, definition, actor_id, ${ACTOR_COLUMNS}
       FROM spawn_name LEFT JOIN spawn_actor ON id = actor_id
       WHERE system = ? ORDER BY name, definition, system`,
    );
    const history = this.#prepare<HistoryColumns>(
      `SELECT ${HISTORY_COLUMNS} FROM spawn_history WHERE actor_id = ? ORDER BY revision`,
    );
    type Reply = readonly [key: string, ...ReplyColumns];
    const replies = this.#prepare<Reply>(
      `SELECT key, ${REPLY_COLUMNS} FROM spawn_inbox WHERE actor_id = ? ORDER BY key`,
    );
    type Entry = readonly [field: string, value: Uint8Array];
    const index = this.#prepare<Entry>(
      "SELECT field, value FROM spawn_index WHERE actor_id = ? ORDER BY field",
    );
    for (const [name, definition, id, ...columns] of actors.iterate(system)) {
      const actor = { system, definition, name };
      yield { kind: "state", actor, stored: this.#actorRow(id, columns) };
      for (const kept of history.iterate(id)) {
        yield foundOr(revisionAt(actor, kept), () => ({
          kind: "revision",
          actor,
          stored: keptState(kept),
        }));
      }
      for (const [field, value] of index.iterate(id)) {
        yield foundOr({ of: "index", actor, key: readable(field) }, () => ({
          kind: "index",
          actor,
          stored: { field, value: Buffer.from(value).toString("latin1") },
        }));
      }
      for (const [key, ...reply] of replies.iterate(id)) {
        yield foundOr(replyAt(actor, key, reply), () => ({
          kind: "reply",
          actor,
          stored: storedReply(key, reply),
        }));
      }
    }
    yield* this.#readMessages(system);
  }

  /** An actor whose row is missing, or damaged beyond its state and tags, still has its revisions. */
  #actorRow(id: number, columns: ActorColumns): ActorRow {
    try {
      if (columns[0] !== null) return actorRow(columns);
    } catch (error) {
      return lostActor(this.#nextRevision(id), problemText(error));
    }
    return lostActor(this.#nextRevision(id), "its row is missing");
  }

  #nextRevision(id: number): number {
    const last = this.#prepare<readonly [number | null]>(
      "SELECT max(revision) FROM spawn_history WHERE actor_id = ? AND revision < ?",
    );
    return (last.get(id, Number.MAX_SAFE_INTEGER)?.[0] ?? 0) + 1;
  }

  *#readMessages(system: string): Iterable<FoundRow> {
    type Waiting = readonly [isUnanswered: number, ...StoredColumns];
    const waiting = this.#prepare<Waiting>(
      `SELECT is_unanswered, ${STORED_COLUMNS} FROM spawn_message ORDER BY position`,
    );
    for (const [isUnanswered, ...columns] of waiting.iterate()) {
      yield* ofSystem(system, { of: "message", columns }, (stored) => ({
        kind: "message",
        stored: { ...stored, isUnanswered: isUnanswered === 1 },
      }));
    }
    type Parked = readonly [parkedAt: number, ...StoredColumns];
    const parked = this.#prepare<Parked>(
      `SELECT parked_at, ${STORED_COLUMNS} FROM spawn_parked ORDER BY parked_at, id`,
    );
    for (const [parkedAt, ...columns] of parked.iterate()) {
      yield* ofSystem(system, { of: "parked", columns }, (stored) => {
        const { error = "" } = stored;
        return {
          kind: "parked",
          stored: { ...stored, error, parkedAt: numberIn("parked_at", parkedAt) },
        };
      });
    }
  }

  #prepare<Columns extends readonly unknown[]>(sql: string): FoundRows<Columns> {
    return new FoundRows(this.#database, sql);
  }
}

/** A message if it is of the system, or what is known of a damaged one, which may be. */
function ofSystem(
  system: string,
  { of, columns }: { readonly of: "message" | "parked"; readonly columns: StoredColumns },
  rowOf: (stored: StoredMessage) => FoundRow,
): readonly FoundRow[] {
  try {
    const stored = storedMessage(columns);
    return systemOf(stored) === system ? [rowOf(stored)] : [];
  } catch (problem) {
    const damaged = damagedMessageRow(of, columns, { system, problem });
    return damaged === undefined ? [] : [damaged];
  }
}

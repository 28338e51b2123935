/**
 * Everything of a system as it is at one moment: a connection of its own, in one read transaction,
 * which walks through the file while the other connection goes on. The log cannot be carried into the
 * file beyond that moment until the view is closed.
 */
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { type ActorId, formatActorId } from "../../engine/actor-id.ts";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { systemOf, type SystemRow } from "../../engine/system-rows.ts";
import { partsOf } from "../row-parts.ts";
import { prepareArrays } from "./connection.ts";
import {
  HISTORY_COLUMNS,
  type HistoryColumns,
  keptState,
  REPLY_COLUMNS,
  type ReplyColumns,
  storedReply,
} from "./kept-rows.ts";
import { ACTOR_COLUMNS, type ActorColumns, actorRow } from "./load-rows.ts";
import { storedMessage, STORED_COLUMNS, type StoredColumns } from "./message-rows.ts";

export class SystemView {
  readonly #database: DatabaseSync;
  readonly #parts: Iterator<readonly SystemRow[], void>;

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
  nextPart(): readonly SystemRow[] {
    const { value, done } = this.#parts.next();
    return done === true ? [] : value;
  }

  close(): void {
    this.#database.close();
  }

  *#read(system: string): Iterable<SystemRow> {
    const prepare = (sql: string): StatementSync => prepareArrays(this.#database, sql);
    const actors = prepare(
      `SELECT name, definition, ${ACTOR_COLUMNS} FROM spawn_name LEFT JOIN spawn_actor ON id = actor_id
       WHERE system = ? ORDER BY name, definition, system`,
    );
    const history = prepare(
      `SELECT ${HISTORY_COLUMNS} FROM spawn_history WHERE actor_id = ? ORDER BY revision`,
    );
    const replies = prepare(
      `SELECT key, ${REPLY_COLUMNS} FROM spawn_inbox WHERE actor_id = ? ORDER BY key`,
    );
    const index = prepare("SELECT field, value FROM spawn_index WHERE actor_id = ? ORDER BY field");
    type Row = readonly [name: string, definition: string, ...ActorColumns];
    for (const row of actors.iterate(system) as unknown as Iterable<Row>) {
      const [name, definition, ...columns] = row;
      const actor = { system, definition, name };
      yield whole(actor, () => ({ kind: "state", actor, stored: actorRow(columns) }));
      const [id] = columns;
      for (const kept of history.iterate(id) as unknown as Iterable<HistoryColumns>) {
        yield whole(actor, () => ({ kind: "revision", actor, stored: keptState(kept) }));
      }
      type Entry = readonly [field: string, value: Uint8Array];
      for (const [field, value] of index.iterate(id) as unknown as Iterable<Entry>) {
        const stored = { field, value: Buffer.from(value).toString("latin1") };
        yield { kind: "index", actor, stored };
      }
      type Reply = readonly [key: string, ...ReplyColumns];
      for (const [key, ...reply] of replies.iterate(id) as unknown as Iterable<Reply>) {
        yield whole(actor, () => ({ kind: "reply", actor, stored: storedReply(key, reply) }));
      }
    }
    yield* this.#readMessages(system);
  }

  *#readMessages(system: string): Iterable<SystemRow> {
    const prepare = (sql: string): StatementSync => prepareArrays(this.#database, sql);
    const waiting = prepare(
      `SELECT is_unanswered, ${STORED_COLUMNS} FROM spawn_message ORDER BY position`,
    );
    type Waiting = readonly [isUnanswered: number, ...StoredColumns];
    for (const row of waiting.iterate() as unknown as Iterable<Waiting>) {
      const [isUnanswered, ...columns] = row;
      const stored = { ...storedMessage(columns), isUnanswered: isUnanswered === 1 };
      if (systemOf(stored) === system) yield { kind: "message", stored };
    }
    const parked = prepare(
      `SELECT parked_at, ${STORED_COLUMNS} FROM spawn_parked ORDER BY parked_at, id`,
    );
    type Parked = readonly [parkedAt: number, ...StoredColumns];
    for (const row of parked.iterate() as unknown as Iterable<Parked>) {
      const [parkedAt, ...columns] = row;
      const message = storedMessage(columns);
      const stored = { ...message, error: message.error ?? "", parkedAt };
      if (systemOf(stored) === system) yield { kind: "parked", stored };
    }
  }
}

/** @throws {SpawnError} `STATE_CORRUPT` that names the actor */
function whole(actor: ActorId, read: () => SystemRow): SystemRow {
  try {
    return read();
  } catch (cause) {
    const message = `what is stored of ${formatActorId(actor)} is damaged: ${describeThrown(cause)}`;
    throw new SpawnError("STATE_CORRUPT", message, { cause });
  }
}

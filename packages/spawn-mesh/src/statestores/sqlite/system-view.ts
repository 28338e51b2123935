/**
 * Everything of a system as it is at one moment: a connection of its own, in one read transaction,
 * which walks through the file while the other connection goes on. The log cannot be carried into the
 * file beyond that moment until the view is closed.
 */
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { DamagedRow } from "../../engine/damaged-rows.ts";
import type { StoredMessage } from "../../engine/message-store.ts";
import { type ActorRow, type FoundRow, systemOf } from "../../engine/system-rows.ts";
import { damagedMessageRow } from "../damaged-messages.ts";
import { partsOf } from "../row-parts.ts";
import { prepareArrays } from "./connection.ts";
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
    const prepare = (sql: string): StatementSync => prepareArrays(this.#database, sql);
    const actors = prepare(
      `SELECT name, definition, actor_id, ${ACTOR_COLUMNS}
       FROM spawn_name LEFT JOIN spawn_actor ON id = actor_id
       WHERE system = ? ORDER BY name, definition, system`,
    );
    const history = prepare(
      `SELECT ${HISTORY_COLUMNS} FROM spawn_history WHERE actor_id = ? ORDER BY revision`,
    );
    const replies = prepare(
      `SELECT key, ${REPLY_COLUMNS} FROM spawn_inbox WHERE actor_id = ? ORDER BY key`,
    );
    const index = prepare("SELECT field, value FROM spawn_index WHERE actor_id = ? ORDER BY field");
    type Row = readonly [name: string, definition: string, id: number, ...ActorColumns];
    for (const row of actors.iterate(system) as unknown as Iterable<Row>) {
      const [name, definition, id, ...columns] = row;
      const actor = { system, definition, name };
      yield foundOr({ of: "state", actor, key: "" }, () => ({
        kind: "state",
        actor,
        stored: columns[0] === null ? this.#lostRow(id) : actorRow(columns),
      }));
      for (const kept of history.iterate(id) as unknown as Iterable<HistoryColumns>) {
        yield foundOr(revisionAt(actor, kept), () => ({
          kind: "revision",
          actor,
          stored: keptState(kept),
        }));
      }
      type Entry = readonly [field: string, value: Uint8Array];
      for (const [field, value] of index.iterate(id) as unknown as Iterable<Entry>) {
        const stored = { field, value: Buffer.from(value).toString("latin1") };
        yield { kind: "index", actor, stored };
      }
      type Reply = readonly [key: string, ...ReplyColumns];
      for (const [key, ...reply] of replies.iterate(id) as unknown as Iterable<Reply>) {
        yield foundOr(replyAt(actor, key, reply), () => ({
          kind: "reply",
          actor,
          stored: storedReply(key, reply),
        }));
      }
    }
    yield* this.#readMessages(system);
  }

  /** An actor that has a name and no row is there all the same: nobody may begin it anew. */
  #lostRow(id: number): ActorRow {
    const last = prepareArrays(
      this.#database,
      "SELECT coalesce(max(revision), 0) FROM spawn_history WHERE actor_id = ?",
    ).get(id) as unknown as readonly [revision: number];
    return { ...LOST_ROW, revision: last[0] + 1 };
  }

  *#readMessages(system: string): Iterable<FoundRow> {
    const prepare = (sql: string): StatementSync => prepareArrays(this.#database, sql);
    const waiting = prepare(
      `SELECT is_unanswered, ${STORED_COLUMNS} FROM spawn_message ORDER BY position`,
    );
    type Waiting = readonly [isUnanswered: number, ...StoredColumns];
    for (const row of waiting.iterate() as unknown as Iterable<Waiting>) {
      const [isUnanswered, ...columns] = row;
      const found = messageOr("message", columns, system);
      if (found === undefined) continue;
      if (found.kind === "damaged") yield found;
      else
        yield {
          kind: "message",
          stored: { ...found.stored, isUnanswered: isUnanswered === 1 },
        };
    }
    const parked = prepare(
      `SELECT parked_at, ${STORED_COLUMNS} FROM spawn_parked ORDER BY parked_at, id`,
    );
    type Parked = readonly [parkedAt: number, ...StoredColumns];
    for (const row of parked.iterate() as unknown as Iterable<Parked>) {
      const [parkedAt, ...columns] = row;
      const found = messageOr("parked", columns, system);
      if (found === undefined) continue;
      if (found.kind === "damaged") yield found;
      else
        yield {
          kind: "parked",
          stored: { ...found.stored, error: found.stored.error ?? "", parkedAt },
        };
    }
  }
}

const LOST_ROW: ActorRow = {
  etag: "\0".repeat(16),
  baseEtag: undefined,
  epoch: 1,
  owner: "",
  isDeleted: false,
  keptAt: undefined,
  state: undefined,
  codec: "json",
  stateVersion: 1,
  tags: undefined,
  revision: 1,
  at: 0,
  problem: "its row is missing",
};

/** A message, or what is known of a damaged one; nothing if it is of another system. */
function messageOr(
  of: "message" | "parked",
  columns: StoredColumns,
  system: string,
): { readonly kind: "whole"; readonly stored: StoredMessage } | DamagedRow | undefined {
  try {
    const stored = storedMessage(columns);
    return systemOf(stored) === system ? { kind: "whole", stored } : undefined;
  } catch (problem) {
    return damagedMessageRow(of, columns, { system, problem });
  }
}

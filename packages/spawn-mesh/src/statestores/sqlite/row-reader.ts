/** Everything that only reads, and the pruning of what nobody will ask for again. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type ActorId, formatActorId } from "../../engine/actor-id.ts";
import { describeThrown, isSpawnError, SpawnError } from "../../engine/errors.ts";
import type {
  ActorsOf,
  RevisionInfo,
  StoreQuery,
  StoredReply,
  StoredState,
} from "../../engine/statestore.ts";
import { prepareArrays } from "./connection.ts";
import { FoundRows } from "./found-rows.ts";
import { textOfNames } from "../stored-texts.ts";
import { MessageTable } from "./message-table.ts";
import { ACTOR_COLUMNS, type ActorColumns, packAnswer, unpackQuery } from "./load-rows.ts";
import {
  HISTORY_COLUMNS,
  type HistoryColumns,
  keptState,
  REPLY_COLUMNS,
  type ReplyColumns,
  storedReply,
} from "./kept-rows.ts";
import { PackedReader, type PackedRows, PackedWriter } from "./packed-rows.ts";
import { resultCode } from "./sqlite-failures.ts";

const NUMBERS_PER_ANSWER = 22;
const NO_REPLIES: readonly StoredReply[] = [];

export class RowReader {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #findActor: StatementSync;
  readonly #findHandle: StatementSync;
  readonly #findReply: StatementSync;
  readonly #listRevisions: FoundRows<readonly [revision: number, at: number]>;
  readonly #findRevision: FoundRows<HistoryColumns>;
  readonly #prune: StatementSync;
  readonly #listActors: StatementSync;
  readonly #messages: MessageTable;
  /** Whether the file has any messages; asked once a load. */
  #hasMessages = true;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#begin = prepare("BEGIN");
    this.#end = prepare("COMMIT");
    this.#findActor = prepare(
      `SELECT ${ACTOR_COLUMNS} FROM spawn_name LEFT JOIN spawn_actor ON id = actor_id
       WHERE name = ? AND definition = ? AND system = ?`,
    );
    this.#findHandle = prepare(
      "SELECT actor_id FROM spawn_name WHERE name = ? AND definition = ? AND system = ?",
    );
    this.#findReply = prepare(
      `SELECT ${REPLY_COLUMNS} FROM spawn_inbox
       WHERE actor_id = ? AND key = ?`,
    );
    this.#listRevisions = new FoundRows(
      database,
      "SELECT revision, at FROM spawn_history WHERE actor_id = ? ORDER BY revision DESC",
    );
    this.#findRevision = new FoundRows(
      database,
      `SELECT ${HISTORY_COLUMNS} FROM spawn_history
       WHERE actor_id = ? AND revision = ?`,
    );
    this.#messages = new MessageTable(database);
    this.#listActors = prepare(
      `SELECT name FROM spawn_name JOIN spawn_actor ON id = actor_id
       WHERE definition = ?1 AND system = ?2 AND name > ?3 AND NOT is_deleted
       ORDER BY name LIMIT ?4`,
    );
    this.#prune = prepare(
      `DELETE FROM spawn_inbox WHERE (actor_id, key) IN
         (SELECT actor_id, key FROM spawn_inbox WHERE expire_at < ? LIMIT ?)`,
    );
  }

  load(rows: PackedRows, count: number): PackedRows {
    const reader = new PackedReader(rows);
    const writer = new PackedWriter(count * NUMBERS_PER_ANSWER);
    // One look at the file for all, instead of one each.
    this.#begin.run();
    try {
      this.#hasMessages = !this.#messages.isEmpty;
      for (let index = 0; index < count; index++) {
        const query = unpackQuery(reader);
        try {
          this.#answer(query, writer);
        } catch (error) {
          throw damageOf(query.actor, error);
        }
      }
    } finally {
      if (this.#database.isTransaction) this.#end.run();
    }
    return writer.finish();
  }

  listRevisions(actor: ActorId): readonly RevisionInfo[] {
    const rows = this.#listRevisions.all(this.#handleOf(actor));
    return rows.map(([revision, at]) => ({ revision: Number(revision), at: Number(at) }));
  }

  readRevision(actor: ActorId, revision: number): StoredState | undefined {
    const kept = this.#findRevision.get(this.#handleOf(actor), revision);
    return kept && keptState(kept);
  }

  prune(wall: number, limit: number): number {
    return Number(this.#prune.run(wall, limit).changes);
  }

  #answer({ actor, row, keys, messages: ids }: StoreQuery, writer: PackedWriter): void {
    const messages = ids.flatMap((id) => {
      const message = this.#messages.find(id);
      return message === undefined ? [] : [message];
    });
    const columns = this.#find(actor);
    if (columns === undefined)
      return packAnswer(writer, { columns, unsent: 0, replies: NO_REPLIES, messages });
    const replies = keys.flatMap((key) => this.#reply(columns[0], key) ?? []);
    if (!row) return packAnswer(writer, { columns: undefined, unsent: 0, replies, messages });
    const unsent = this.#hasMessages ? this.#messages.unsent(textOfNames(actor)) : 0;
    packAnswer(writer, { columns, unsent, replies, messages });
  }

  /** Names of actors of a definition that have a state, in the order of their bytes. */
  listActors({ system, definition, after, limit }: ActorsOf): readonly string[] {
    const rows = this.#listActors.all(definition, system, after ?? "", limit);
    return (rows as unknown as readonly [string][]).map(([name]) => name);
  }

  #find(actor: ActorId): ActorColumns | undefined {
    const { name, definition, system } = actor;
    const columns = this.#findActor.get(name, definition, system) as ActorColumns | undefined;
    if (columns?.[0] === null) {
      throw new SpawnError(
        "STATE_CORRUPT",
        `the file is damaged: the row of ${formatActorId(actor)} is missing`,
      );
    }
    return columns;
  }

  /** Revisions can be read even if the row of the actor cannot. There is no handle 0. */
  #handleOf({ name, definition, system }: ActorId): number {
    const row = this.#findHandle.get(name, definition, system) as readonly [number] | undefined;
    return row?.[0] ?? 0;
  }

  #reply(handle: number, key: string): StoredReply | undefined {
    const columns = this.#findReply.get(handle, key) as ReplyColumns | undefined;
    if (columns === undefined) return undefined;
    return storedReply(key, columns);
  }
}

/** What is not an error of SQLite is one of the row: it must not fail those that are loaded with it. */
function damageOf(actor: ActorId, error: unknown): unknown {
  if (isSpawnError(error) || resultCode(error) !== undefined) return error;
  return new SpawnError(
    "STATE_CORRUPT",
    `what is stored of ${formatActorId(actor)} is damaged: ${describeThrown(error)}`,
    { cause: error },
  );
}

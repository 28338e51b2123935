/** Everything that only reads, and the pruning of what nobody will ask for again. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type ActorId, formatActorId } from "../../engine/actor-id.ts";
import { SpawnError } from "../../engine/errors.ts";
import type {
  RevisionInfo,
  StoreQuery,
  StoredReply,
  StoredState,
} from "../../engine/statestore.ts";
import { prepareArrays } from "./connection.ts";
import {
  ACTOR_COLUMNS,
  type ActorColumns,
  packAnswer,
  parseTags,
  unpackQuery,
} from "./load-rows.ts";
import { PackedReader, type PackedRows, PackedWriter } from "./packed-rows.ts";

const NUMBERS_PER_ANSWER = 20;

type ReplyColumns = readonly [
  fingerprint: string,
  reply: string | null,
  isReplyDropped: number,
  expireAt: number,
];
type HistoryColumns = readonly [
  revision: number,
  at: number,
  stateVersion: number,
  tags: string | null,
  state: string | Uint8Array,
];

export class RowReader {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #findActor: StatementSync;
  readonly #findReply: StatementSync;
  readonly #listRevisions: StatementSync;
  readonly #findRevision: StatementSync;
  readonly #prune: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#begin = prepare("BEGIN");
    this.#end = prepare("COMMIT");
    this.#findActor = prepare(
      `SELECT ${ACTOR_COLUMNS} FROM spawn_name LEFT JOIN spawn_actor ON id = actor_id
       WHERE name = ? AND definition = ? AND system = ?`,
    );
    this.#findReply = prepare(
      `SELECT fingerprint, reply, is_reply_dropped, expire_at FROM spawn_inbox
       WHERE actor_id = ? AND key = ?`,
    );
    this.#listRevisions = prepare(
      "SELECT revision, at FROM spawn_history WHERE actor_id = ? ORDER BY revision DESC",
    );
    this.#findRevision = prepare(
      `SELECT revision, at, state_version, tags, state FROM spawn_history
       WHERE actor_id = ? AND revision = ?`,
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
      for (let index = 0; index < count; index++) this.#answer(unpackQuery(reader), writer);
    } finally {
      if (this.#database.isTransaction) this.#end.run();
    }
    return writer.finish();
  }

  listRevisions(actor: ActorId): readonly RevisionInfo[] {
    const columns = this.#find(actor);
    if (columns === undefined) return [];
    const rows = this.#listRevisions.all(columns[0]) as unknown as readonly [number, number][];
    return rows.map(([revision, at]) => ({ revision, at }));
  }

  readRevision(actor: ActorId, revision: number): StoredState | undefined {
    const columns = this.#find(actor);
    if (columns === undefined) return undefined;
    const kept = this.#findRevision.get(columns[0], revision) as HistoryColumns | undefined;
    if (kept === undefined) return undefined;
    return {
      revision: kept[0],
      at: kept[1],
      codec: "json",
      stateVersion: kept[2],
      tags: parseTags(kept[3]),
      state: kept[4],
    };
  }

  prune(wall: number, limit: number): number {
    return Number(this.#prune.run(wall, limit).changes);
  }

  #answer(query: StoreQuery, writer: PackedWriter): void {
    const columns = this.#find(query.actor);
    if (columns === undefined) return packAnswer(writer, undefined, []);
    const replies = query.keys.flatMap((key) => this.#reply(columns[0], key) ?? []);
    packAnswer(writer, query.row ? columns : undefined, replies);
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

  #reply(handle: number, key: string): StoredReply | undefined {
    const columns = this.#findReply.get(handle, key) as ReplyColumns | undefined;
    if (columns === undefined) return undefined;
    const [fingerprint, reply, isReplyDropped, expiresAt] = columns;
    return { key, fingerprint, reply: isReplyDropped === 1 ? undefined : reply, expiresAt };
  }
}

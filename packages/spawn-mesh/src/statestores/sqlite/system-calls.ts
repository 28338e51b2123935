/** The calls of `Statestore.systems`, in the worker; those that read one moment are in `system-view.ts`. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import type {
  ActorRow,
  FoundRow,
  ImportMark,
  RemovableRows,
  SystemRow,
} from "../../engine/system-rows.ts";
import { removableOf } from "../../engine/system-rows.ts";
import { REPLY_KINDS } from "./commit-rows.ts";
import { prepareArrays } from "./connection.ts";
import { CODEC_JSON, type GroupCommit } from "./group-commit.ts";
import { columnsOf } from "./message-rows.ts";
import { MessageTable } from "./message-table.ts";
import { sealableColumns } from "./sealed-columns.ts";

/** A call on its way to the worker. */
export type SystemCall =
  | readonly ["beginRead", system: string]
  | readonly ["readPart", view: number]
  | readonly ["endRead", view: number]
  | readonly ["add", rows: readonly SystemRow[]]
  | readonly ["remove", rows: readonly FoundRow[]]
  | readonly ["readMark", system: string]
  | readonly ["writeMark", system: string, mark: ImportMark];

/** Those of them that concern the file as it is now. */
export type SystemChange = Extract<
  SystemCall,
  readonly ["add" | "remove" | "readMark" | "writeMark", ...unknown[]]
>;

const ACTOR_ID = `(SELECT actor_id FROM spawn_name
  WHERE name = ?1 AND definition = ?2 AND system = ?3)`;

export class SystemCalls {
  readonly #group: GroupCommit;
  readonly #messages: MessageTable;
  readonly #addOwner: StatementSync;
  readonly #addActor: StatementSync;
  readonly #addRevision: StatementSync;
  readonly #addEntry: StatementSync;
  readonly #addReply: StatementSync;
  readonly #removals: readonly StatementSync[];
  readonly #removeParked: StatementSync;
  readonly #readMark: StatementSync;
  readonly #writeMark: StatementSync;

  constructor(database: DatabaseSync, group: GroupCommit) {
    this.#group = group;
    this.#messages = new MessageTable(database);
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#addActor = prepare(
      `INSERT INTO spawn_actor (id, epoch, owner_id, base_etag, kept_at, is_deleted, codec,
         etag, at, state_version, tags, key_id, state, revision)
       VALUES (?, ?, (SELECT id FROM spawn_owner WHERE name = ?), ?, ?, ?, ${CODEC_JSON}, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#addOwner = prepare("INSERT OR IGNORE INTO spawn_owner (name) VALUES (?)");
    this.#addRevision = prepare(
      `INSERT OR IGNORE INTO spawn_history (actor_id, codec, etag, at, state_version, tags, key_id, state, revision)
       VALUES (${ACTOR_ID}, ${CODEC_JSON}, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    );
    this.#addEntry = prepare(
      `INSERT INTO spawn_index (name, definition, system, actor_id, field, value)
       SELECT ?1, ?2, ?3, ${ACTOR_ID}, ?4, ?5
       WHERE NOT EXISTS (SELECT 1 FROM spawn_index WHERE actor_id = ${ACTOR_ID} AND field = ?4)`,
    );
    this.#addReply = prepare(
      `INSERT OR IGNORE INTO spawn_inbox (actor_id, key, fingerprint, key_id, reply, is_reply_dropped, expire_at, kind)
       VALUES (${ACTOR_ID}, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    );
    this.#removals = [
      `DELETE FROM spawn_history WHERE actor_id = ${ACTOR_ID}`,
      `DELETE FROM spawn_index WHERE actor_id = ${ACTOR_ID}`,
      `DELETE FROM spawn_inbox WHERE actor_id = ${ACTOR_ID}`,
      `DELETE FROM spawn_actor WHERE id = ${ACTOR_ID}`,
      "DELETE FROM spawn_name WHERE name = ?1 AND definition = ?2 AND system = ?3",
    ].map(prepare);
    this.#removeParked = prepare("DELETE FROM spawn_parked WHERE id = ?");
    this.#readMark = prepare("SELECT value FROM spawn_meta WHERE name = ?");
    this.#writeMark = prepare("INSERT OR REPLACE INTO spawn_meta (name, value) VALUES (?, ?)");
  }

  run(call: SystemChange): unknown {
    switch (call[0]) {
      case "add":
        for (const row of call[1]) this.#addOne(row);
        return undefined;
      case "remove":
        return this.#remove(removableOf(call[1]));
      case "readMark":
        return this.#findMark(call[1]);
      case "writeMark":
        return void this.#writeMark.run(markName(call[1]), JSON.stringify(call[2]));
    }
  }

  #addOne(row: SystemRow): void {
    switch (row.kind) {
      case "state":
        return this.#addState(row.actor, row.stored);
      case "revision":
        return void this.#addRevision.run(...namesOf(row.actor), ...stateInputs(row.stored));
      case "index": {
        const { field, value } = row.stored;
        const bytes = Buffer.from(value, "latin1");
        return void this.#addEntry.run(...namesOf(row.actor), field, bytes);
      }
      case "reply":
        return void this.#addReply.run(...namesOf(row.actor), ...replyInputs(row.stored));
      case "message":
        return this.#messages.addTried(columnsOf(row.stored), row.stored);
      case "parked":
        return this.#messages.addParked(columnsOf(row.stored), row.stored);
    }
  }

  #addState(actor: ActorId, stored: ActorRow): void {
    const handle = this.#group.claimName(actor);
    if (handle === undefined) return;
    const { epoch, owner, baseEtag, keptAt, isDeleted } = stored;
    const base = baseEtag === undefined ? null : Buffer.from(baseEtag, "latin1");
    const beside = [epoch, owner, base, keptAt ?? null, isDeleted ? 1 : 0] as const;
    this.#addOwner.run(owner);
    this.#addActor.run(handle, ...beside, ...stateInputs(stored));
  }

  #remove({ actors, messages, parked }: RemovableRows): void {
    for (const id of messages) this.#messages.remove(id);
    for (const id of parked) this.#removeParked.run(id);
    for (const actor of actors) {
      for (const removal of this.#removals) removal.run(...namesOf(actor));
    }
  }

  #findMark(system: string): ImportMark | undefined {
    const row = this.#readMark.get(markName(system)) as readonly [string] | undefined;
    return row && (JSON.parse(row[0]) as ImportMark);
  }
}

function markName(system: string): string {
  return `import ${system}`;
}

function namesOf({ name, definition, system }: ActorId) {
  return [name, definition, system] as const;
}

function stateInputs({ etag, at, stateVersion, tags, state, revision }: StoredState) {
  const text = tags === undefined ? null : JSON.stringify(tags);
  const value = sealableColumns(state);
  return [Buffer.from(etag, "latin1"), at, stateVersion, text, ...value, revision] as const;
}

function replyInputs({ key, fingerprint, reply, expiresAt, kind }: StoredReply) {
  const isDropped = reply === undefined ? 1 : 0;
  const beside = [isDropped, expiresAt, REPLY_KINDS.indexOf(kind)] as const;
  return [key, fingerprint, ...sealableColumns(reply), ...beside] as const;
}

/**
 * A batch of commits as one transaction with one sync.
 *
 * Every commit decides for itself, and everything that could refuse it is asked before its first
 * change; the row's own update decides by etag. So a refused commit leaves nothing behind and the
 * others go on, without a savepoint each. An error rolls everything back and says for certain that
 * nothing was applied; only an error of COMMIT itself leaves that open.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoredReply } from "../../engine/statestore.ts";
import {
  HAS_AGE,
  HAS_INDEX,
  HAS_MESSAGES,
  type IndexChange,
  IS_DELETE,
  type MessageChanges,
  NO_HANDLE,
  REFUSED,
  REPLY_KINDS,
  unpackIndex,
  unpackMessageChanges,
  unpackReplies,
} from "./commit-rows.ts";
import { IndexTable } from "./index-table.ts";
import { MessageTable, type Place } from "./message-table.ts";
import { PackedReader, type PackedRows } from "./packed-rows.ts";
import { sealableColumns } from "./sealed-columns.ts";

/** JSON is the only codec there is. */
export const CODEC_JSON = 0;

/** Rowids begin at 1. */
const NO_OWNER = 0;

/** COMMIT itself failed: the transaction may be in the file or not. */
export class CommitStepError extends Error {
  /** A row as it is if the transaction was applied. */
  readonly witness: Witness | undefined;

  constructor(cause: unknown, witness: Witness | undefined) {
    super("COMMIT failed", { cause });
    this.witness = witness;
  }
}

/** A statement before COMMIT failed, at this commit of the batch. */
export class RowStepError extends Error {
  readonly index: number;

  constructor(cause: unknown, index: number) {
    super(`commit ${index} failed`, { cause });
    this.index = index;
  }
}

export interface Witness {
  readonly handle: number;
  readonly etag: Uint8Array;
}

/** What an unpacked commit writes into its row. */
interface RowFields {
  readonly etag: Uint8Array;
  readonly isDelete: number;
  readonly hasMessages: boolean;
  readonly hasIndex: boolean;
  readonly hasAge: boolean;
  readonly keyId: string | null;
  readonly state: SQLInputValue;
  readonly stateVersion: number;
  readonly tags: SQLInputValue;
  readonly revision: number;
  readonly at: number;
}

const ROW_FIELDS =
  "etag = ?, is_deleted = ?, key_id = ?, state = ?, state_version = ?, tags = ?, revision = ?, at = ?";

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #owner: string;
  /** What rows have in place of the owner's name; the first group makes sure that it stands for it. */
  #ownerId = NO_OWNER;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** Handles are given here, since nobody else writes the file; a gap does no harm. */
  #lastHandle: number;
  readonly #claimName: StatementSync;
  readonly #create: StatementSync;
  readonly #update: StatementSync;
  readonly #takeOver: StatementSync;
  readonly #setKeptAt: StatementSync;
  readonly #keep: StatementSync;
  readonly #trim: StatementSync;
  readonly #forgetHistory: StatementSync;
  readonly #findReply: StatementSync;
  readonly #addReply: StatementSync;
  readonly #forgetReplies: StatementSync;
  readonly #age: StatementSync;
  readonly #messages: MessageTable;
  readonly #index: IndexTable;

  constructor(database: DatabaseSync, owner: string) {
    this.#database = database;
    this.#owner = owner;
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#begin = prepare("BEGIN IMMEDIATE");
    this.#commit = prepare("COMMIT");
    this.#create = prepare(
      `INSERT INTO spawn_actor (id, epoch, owner_id, codec,
         etag, is_deleted, key_id, state, state_version, tags, revision, at)
       VALUES (?, 1, ?, ${CODEC_JSON}, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#claimName = prepare("INSERT OR IGNORE INTO spawn_name VALUES (?, ?, ?, ?)");
    const last = database.prepare("SELECT max(id) AS id FROM spawn_actor").get();
    this.#lastHandle = Number(last?.["id"] ?? 0);
    this.#update = prepare(
      `UPDATE spawn_actor SET ${ROW_FIELDS}, codec = ${CODEC_JSON} WHERE id = ? AND etag = ? AND owner_id = ?`,
    );
    this.#takeOver = prepare(
      `UPDATE spawn_actor SET ${ROW_FIELDS}, codec = ${CODEC_JSON}, epoch = epoch + 1, base_etag = etag, owner_id = ?
       WHERE id = ? AND etag = ?`,
    );
    this.#setKeptAt = prepare("UPDATE spawn_actor SET kept_at = ? WHERE id = ?");
    this.#keep = prepare(
      `INSERT INTO spawn_history (actor_id, revision, etag, at, codec, state_version, tags, key_id, state)
       SELECT id, revision, etag, at, codec, state_version, tags, key_id, state FROM spawn_actor
       WHERE id = ? AND etag = ? AND state IS NOT NULL`,
    );
    this.#trim = prepare(
      `DELETE FROM spawn_history WHERE actor_id = ?1 AND revision <=
         (SELECT revision FROM spawn_history WHERE actor_id = ?1
          ORDER BY revision DESC LIMIT 1 OFFSET ?2)`,
    );
    this.#forgetHistory = prepare("DELETE FROM spawn_history WHERE actor_id = ?");
    this.#findReply = prepare("SELECT 1 FROM spawn_inbox WHERE actor_id = ? AND key = ?");
    this.#addReply = prepare("INSERT INTO spawn_inbox VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#age = prepare(
      `DELETE FROM spawn_history WHERE actor_id = ?1 AND revision <
         (SELECT max(revision) FROM spawn_history WHERE actor_id = ?1 AND at <= ?2)`,
    );
    this.#messages = new MessageTable(database);
    this.#index = new IndexTable(database);
    this.#forgetReplies = prepare("DELETE FROM spawn_inbox WHERE actor_id = ?");
  }

  /** The handle of each commit's row, {@link REFUSED} for a commit that was refused. */
  run(rows: PackedRows, count: number): readonly number[] {
    const reader = new PackedReader(rows);
    const handles: number[] = [];
    let witness: Witness | undefined;
    this.#begin.run();
    try {
      if (this.#ownerId === NO_OWNER) this.#ownerId = ownerIdOf(this.#database, this.#owner);
      for (let index = 0; index < count; index++) {
        const applied = this.#commitOne(reader);
        handles.push(applied?.handle ?? REFUSED);
        witness = applied ?? witness;
      }
    } catch (cause) {
      this.#rollback();
      throw new RowStepError(cause, handles.length);
    }
    try {
      this.#commit.run();
    } catch (cause) {
      throw new CommitStepError(cause, witness);
    }
    return handles;
  }

  /** Takes the name of an actor that has no row; answers the handle of the row to make. */
  claimName({ system, definition, name }: ActorId): number | undefined {
    const handle = this.#lastHandle + 1;
    if (this.#claimName.run(name, definition, system, handle).changes === 0) return undefined;
    this.#lastHandle = handle;
    return handle;
  }

  /** If even that fails, the session sees that the transaction is open and leaves the connection. */
  #rollback(): void {
    this.#ownerId = NO_OWNER;
    try {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    } catch {
      // What made the commit fail says more than this.
    }
  }

  #commitOne(reader: PackedReader): Witness | undefined {
    const handle = reader.number();
    return handle === NO_HANDLE ? this.#createRow(reader) : this.#changeRow(reader, handle);
  }

  #createRow(reader: PackedReader): Witness | undefined {
    const actor = { system: reader.text(), definition: reader.text(), name: reader.text() };
    const fields = unpackFields(reader);
    reader.number(); // No history yet.
    const replies = unpackReplies(reader);
    const messages = unpackMessagesOf(fields, reader);
    const { indexed } = unpackRest(fields, reader);
    const consumed = this.#consumable(messages);
    if (hasKeyTwice(replies) || consumed === undefined) return undefined;
    const handle = this.claimName(actor);
    if (handle === undefined) return undefined;
    this.#create.run(
      handle,
      this.#ownerId,
      fields.etag,
      fields.isDelete,
      fields.keyId,
      fields.state,
      fields.stateVersion,
      fields.tags,
      fields.revision,
      fields.at,
    );
    this.#addReplies(handle, replies);
    this.#changeMessages(messages, consumed, fields.isDelete === 1);
    this.#changeIndex(handle, indexed);
    return { handle, etag: fields.etag };
  }

  #changeRow(reader: PackedReader, handle: number): Witness | undefined {
    const previous = reader.id();
    const fields = unpackFields(reader);
    const revisionsKept = reader.number();
    const replies = unpackReplies(reader);
    const messages = unpackMessagesOf(fields, reader);
    const { indexed, since } = unpackRest(fields, reader);
    if (replies.length > 0 && this.#hasKeyOf(handle, replies)) return undefined;
    const consumed = this.#consumable(messages);
    if (consumed === undefined) return undefined;

    const isDelete = fields.isDelete === 1;
    // From the row as it still is; nothing is kept if the etag is another.
    const isKept = !isDelete && revisionsKept > 0 && this.#keep.run(handle, previous).changes === 1;
    if (!this.#writeRow(handle, previous, fields)) return undefined;
    if (isKept) {
      this.#trim.run(handle, revisionsKept);
      if (since !== undefined) this.#age.run(handle, since);
      this.#setKeptAt.run(fields.at, handle);
    }
    if (isDelete) {
      this.#setKeptAt.run(null, handle);
      this.#forgetHistory.run(handle);
      this.#forgetReplies.run(handle);
      this.#index.forget(handle);
    }
    this.#addReplies(handle, replies);
    this.#changeMessages(messages, consumed, isDelete);
    this.#changeIndex(handle, indexed);
    return { handle, etag: fields.etag };
  }

  /** The places of the messages that are consumed; `undefined` when one of them is not stored, or named twice. */
  #consumable(messages: MessageChanges | undefined): readonly Place[] | undefined {
    if (messages === undefined || messages.consumes.length === 0) return NO_PLACES;
    const places: Place[] = [];
    for (const message of messages.consumes) {
      const place = this.#messages.placeOf(message);
      if (place === undefined) return undefined;
      places.push(place);
    }
    return hasPlaceTwice(places) ? undefined : places;
  }

  #changeMessages(
    messages: MessageChanges | undefined,
    consumed: readonly Place[],
    isDelete: boolean,
  ): void {
    if (messages === undefined) return;
    for (const place of consumed) this.#messages.removeAt(place);
    for (const id of messages.cancels) this.#messages.remove(id);
    if (isDelete) this.#messages.removeTimers(messages.source);
    this.#messages.add(messages.sends);
  }

  #changeIndex(handle: number, indexed: IndexChange | undefined): void {
    if (indexed !== undefined) this.#index.replace(handle, indexed.actor, indexed.index);
  }

  #writeRow(handle: number, previous: Uint8Array, fields: RowFields): boolean {
    const { etag, isDelete, keyId, state, stateVersion, tags, revision, at } = fields;
    const owner = this.#ownerId;
    const values = [etag, isDelete, keyId, state, stateVersion, tags, revision, at] as const;
    if (this.#update.run(...values, handle, previous, owner).changes === 1) return true;
    return this.#takeOver.run(...values, owner, handle, previous).changes === 1;
  }

  #hasKeyOf(handle: number, replies: readonly StoredReply[]): boolean {
    if (hasKeyTwice(replies)) return true;
    return replies.some(({ key }) => this.#findReply.get(handle, key) !== undefined);
  }

  #addReplies(handle: number, replies: readonly StoredReply[]): void {
    for (const { key, fingerprint, kind, reply, expiresAt } of replies) {
      const isDropped = reply === undefined ? 1 : 0;
      const number = REPLY_KINDS.indexOf(kind);
      const [keyId, value] = sealableColumns(reply);
      this.#addReply.run(handle, key, fingerprint, keyId, value, isDropped, expiresAt, number);
    }
  }
}

/** The number that rows have for this owner. */
function ownerIdOf(database: DatabaseSync, owner: string): number {
  const find = database.prepare("SELECT id FROM spawn_owner WHERE name = ?");
  const found = find.get(owner);
  if (found !== undefined) return Number(found["id"]);
  const added = database.prepare("INSERT INTO spawn_owner (name) VALUES (?)").run(owner);
  return Number(added.lastInsertRowid);
}

const NO_PLACES: readonly Place[] = [];

/** Commits without messages, nearly all, have nothing to unpack. */
function unpackMessagesOf(
  { isDelete, hasMessages }: RowFields,
  reader: PackedReader,
): MessageChanges | undefined {
  return isDelete === 1 || hasMessages ? unpackMessageChanges(reader) : undefined;
}

/** What few commits have. */
interface Rest {
  readonly indexed: IndexChange | undefined;
  readonly since: number | undefined;
}

const NO_REST: Rest = { indexed: undefined, since: undefined };

function unpackRest({ hasIndex, hasAge }: RowFields, reader: PackedReader): Rest {
  if (!hasIndex && !hasAge) return NO_REST;
  const indexed = hasIndex ? unpackIndex(reader) : undefined;
  const since = hasAge ? reader.number() : undefined;
  return { indexed, since };
}

function unpackFields(reader: PackedReader): RowFields {
  const etag = reader.id();
  const flags = reader.number();
  const [keyId, state] = sealableColumns(reader.sealable());
  return {
    etag,
    isDelete: flags & IS_DELETE,
    hasMessages: (flags & HAS_MESSAGES) !== 0,
    hasIndex: (flags & HAS_INDEX) !== 0,
    hasAge: (flags & HAS_AGE) !== 0,
    keyId,
    state,
    stateVersion: reader.number(),
    tags: reader.value() ?? null,
    revision: reader.number(),
    at: reader.number(),
  };
}

function hasPlaceTwice(places: readonly Place[]): boolean {
  return places.length > 1 && new Set(places.map(({ position }) => position)).size < places.length;
}

function hasKeyTwice(replies: readonly StoredReply[]): boolean {
  return replies.length > 1 && new Set(replies.map(({ key }) => key)).size < replies.length;
}

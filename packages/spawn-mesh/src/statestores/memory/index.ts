/**
 * The reference statestore: what the port says, in plain maps.
 *
 * The data lives in the object and outlives `close`, so that a test can "restart" a system on it; a
 * crash has no `close`, therefore `open` takes the store from a session that never ended. Nothing is
 * copied or serialized: a state that was handed over is never changed by anybody. A commit is checked
 * completely before its first change, which is all that atomicity needs where nothing can interrupt.
 */
import type { ActorId } from "../../engine/actor-id.ts";
import {
  type ActorsOf,
  type Commit,
  type RevisionInfo,
  type Statestore,
  type StoreAnswer,
  StoreFailure,
  type StoreHandle,
  type StoreQuery,
  type StoreSession,
  type StoredActor,
  type StoredReply,
  type StoredState,
} from "../../engine/statestore.ts";
import { checkKeyIds, type SealedRows } from "../../engine/sealed-rows.ts";
import type { SystemRows } from "../../engine/system-rows.ts";
import type { MemoryRow } from "./row.ts";
import { MemoryMessages } from "./messages.ts";
import { MemoryQueries } from "./queries.ts";
import { MemorySealedRows } from "./sealed.ts";
import { MemorySystemRows } from "./systems.ts";

/**
 * A statestore in the memory of this process: for tests, and for state that may be lost with it. Several
 * systems may have it open.
 */
export function memoryStatestore(): Statestore {
  return new MemoryStatestore();
}

const NO_REPLIES: readonly StoredReply[] = [];

class MemoryStatestore implements Statestore {
  /** By their handles; a removed one leaves its place. */
  readonly #rows: (MemoryRow | undefined)[] = [];
  /** By definition, and there by name: the name is kept once. */
  readonly #byDefinition = new Map<string, Map<string, MemoryRow>>();
  /** Rows that may have replies: what `prune` looks at. */
  readonly #withReplies = new Set<MemoryRow>();
  readonly needsEncryption = false;
  readonly messages: MemoryMessages = new MemoryMessages(
    () => this.#openOwner(),
    ({ actor, reply }) => {
      const row = this.#find(actor);
      if (row === undefined || row.isDeleted || hasKeyOf(row, [reply])) return;
      this.#storeReplies(row, [reply]);
    },
  );
  readonly #sealed = new MemorySealedRows(this.#byDefinition, this.messages, () =>
    this.#openOwner(),
  );
  readonly queries: MemoryQueries = new MemoryQueries(this.#byDefinition, () => this.#openOwner());
  readonly systems: SystemRows = new MemorySystemRows(this.#byDefinition, this.messages, {
    checkOpen: () => this.#openOwner(),
    add: (actor, stored) => {
      const row = {
        ...stored,
        handle: this.#rows.length,
        history: undefined,
        index: undefined,
        replies: undefined,
      };
      this.#rows.push(row);
      this.#named(actor).set(actor.name, row);
    },
    remember: (row, reply) => this.#storeReplies(row, [reply]),
    remove: (actor, row) => {
      this.#named(actor).delete(actor.name);
      this.#withReplies.delete(row);
      this.#rows[row.handle] = undefined;
    },
  });
  #owner: string | undefined;
  /** Who opened it and did not close it: the first that closes it leaves it to the others. */
  #sessions = 0;

  get sealed(): SealedRows {
    return this.#sealed;
  }

  async open(session: StoreSession): Promise<void> {
    checkKeyIds(this.#sealed.keyIds, session.keyIds);
    this.#owner = session.owner;
    this.#sessions++;
  }

  async close(): Promise<void> {
    this.#sessions = Math.max(0, this.#sessions - 1);
    if (this.#sessions === 0) this.#owner = undefined;
  }

  async load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    this.#openOwner();
    return queries.map((query) => {
      const row = this.#find(query.actor);
      return {
        row:
          row !== undefined && query.row
            ? storedActor(row, this.messages.unsent(query.actor))
            : undefined,
        messages: this.messages.find(query.messages),
        replies: row?.replies === undefined ? NO_REPLIES : findReplies(row.replies, query.keys),
      };
    });
  }

  async commit(commits: readonly Commit[]): Promise<readonly (StoreHandle | undefined)[]> {
    const owner = this.#openOwner();
    return commits.map((commit) => this.#commitOne(commit, owner));
  }

  async listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]> {
    this.#openOwner();
    const history = this.#find(actor)?.history ?? [];
    return history.map(({ revision, at }) => ({ revision, at })).reverse();
  }

  async readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined> {
    this.#openOwner();
    return this.#find(actor)?.history?.find((kept) => kept.revision === revision);
  }

  async listActors({ system, definition, after, limit }: ActorsOf): Promise<readonly string[]> {
    this.#openOwner();
    return [...this.#named({ system, definition, name: "" })]
      .filter(([name, { isDeleted }]) => !isDeleted && (after === undefined || name > after))
      .map(([name]) => name)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .slice(0, limit);
  }

  async prune(wall: number, limit: number): Promise<number> {
    this.#openOwner();
    let pruned = 0;
    for (const row of this.#withReplies) {
      for (const reply of row.replies?.values() ?? []) {
        if (pruned === limit) return pruned;
        if (reply.expiresAt >= wall) continue;
        row.replies?.delete(reply.key);
        pruned++;
      }
      if (row.replies?.size === 0) row.replies = undefined;
      if (row.replies === undefined) this.#withReplies.delete(row);
    }
    return pruned;
  }

  #openOwner(): string {
    if (this.#owner === undefined) throw new StoreFailure("fatal", "the statestore is not open");
    return this.#owner;
  }

  #commitOne(commit: Commit, owner: string): StoreHandle | undefined {
    if (commit.handle === undefined) return this.#create(commit, owner);
    const row = this.#rows[Number(commit.handle)];
    if (row === undefined || row.etag !== commit.previous) return undefined;
    if (hasKeyOf(row, commit.replies) || !this.#canConsume(commit)) return undefined;

    if (commit.isDelete) {
      row.history = undefined;
      row.keptAt = undefined;
      row.replies = undefined;
      row.index = undefined;
    } else if (commit.revisionsKept > 0 && row.state !== undefined) {
      keepRevision(row, commit);
      row.keptAt = commit.at;
    }
    if (row.owner !== owner) {
      row.epoch++;
      row.baseEtag = row.etag;
      row.owner = owner;
    }
    row.etag = commit.etag;
    row.isDeleted = commit.isDelete;
    row.state = commit.isDelete ? undefined : commit.state;
    row.codec = commit.codec;
    row.stateVersion = commit.stateVersion;
    row.tags = commit.tags;
    row.revision = commit.revision;
    row.at = commit.at;
    if (commit.index !== undefined) row.index = commit.index;
    this.#storeReplies(row, commit.replies);
    this.#changeMessages(commit);
    return row.handle;
  }

  /** Whether all that it consumes is there, and named once. */
  #canConsume({ consumes }: Commit): boolean {
    if (consumes.length === 0) return true;
    const areStored = consumes.every((message) => this.messages.has(message));
    return areStored && new Set(consumes.map(({ id }) => id)).size === consumes.length;
  }

  #changeMessages({ actor, isDelete, consumes, cancels, sends }: Commit): void {
    for (const { id } of consumes) this.messages.take(id);
    for (const id of cancels) this.messages.take(id);
    if (isDelete) this.messages.removeTimers(actor);
    this.messages.add(sends);
  }

  #find(actor: ActorId): MemoryRow | undefined {
    return this.#named(actor).get(actor.name);
  }

  /** The rows of a definition. */
  #named({ system, definition }: ActorId): Map<string, MemoryRow> {
    const key = `${system}\0${definition}`;
    let named = this.#byDefinition.get(key);
    if (named === undefined) this.#byDefinition.set(key, (named = new Map()));
    return named;
  }

  #create(commit: Commit, owner: string): StoreHandle | undefined {
    const named = this.#named(commit.actor);
    if (named.has(commit.actor.name) || hasKeyOf(undefined, commit.replies)) return undefined;
    if (!this.#canConsume(commit)) return undefined;
    const row: MemoryRow = {
      handle: this.#rows.length,
      etag: commit.etag,
      baseEtag: undefined,
      epoch: 1,
      owner,
      isDeleted: commit.isDelete,
      keptAt: undefined,
      state: commit.isDelete ? undefined : commit.state,
      codec: commit.codec,
      stateVersion: commit.stateVersion,
      tags: commit.tags,
      revision: commit.revision,
      at: commit.at,
      index: commit.index,
      history: undefined,
      replies: undefined,
    };
    this.#rows.push(row);
    named.set(commit.actor.name, row);
    this.#storeReplies(row, commit.replies);
    this.#changeMessages(commit);
    return row.handle;
  }

  #storeReplies(row: MemoryRow, replies: readonly StoredReply[]): void {
    if (replies.length === 0) return;
    row.replies ??= new Map();
    for (const reply of replies) row.replies.set(reply.key, reply);
    this.#withReplies.add(row);
  }
}

/** Puts the row's present state into its history and lets the oldest go. */
function keepRevision(row: MemoryRow, { revisionsKept, revisionsSince }: Commit): void {
  const { etag, state, codec, stateVersion, tags, revision, at } = row;
  row.history ??= [];
  row.history.push({ etag, state, codec, stateVersion, tags, revision, at });
  if (row.history.length > revisionsKept) row.history.splice(0, row.history.length - revisionsKept);
  if (revisionsSince === undefined) return;
  const oldest = row.history.findLastIndex((kept) => kept.at <= revisionsSince);
  if (oldest > 0) row.history.splice(0, oldest);
}

function hasKeyOf(row: MemoryRow | undefined, replies: readonly StoredReply[]): boolean {
  if (replies.length === 0) return false;
  if (replies.length > 1 && new Set(replies.map((reply) => reply.key)).size < replies.length)
    return true;
  const stored = row?.replies;
  return stored !== undefined && replies.some((reply) => stored.has(reply.key));
}

function findReplies(
  stored: ReadonlyMap<string, StoredReply>,
  keys: readonly string[],
): readonly StoredReply[] {
  return keys.flatMap((key) => stored.get(key) ?? []);
}

/** A copy: the row itself changes with the next commit. */
function storedActor(row: MemoryRow, unsent: number): StoredActor {
  return {
    handle: row.handle,
    etag: row.etag,
    baseEtag: row.baseEtag,
    epoch: row.epoch,
    owner: row.owner,
    isDeleted: row.isDeleted,
    keptAt: row.keptAt,
    state: row.state,
    codec: row.codec,
    stateVersion: row.stateVersion,
    tags: row.tags,
    revision: row.revision,
    at: row.at,
    unsent,
  };
}

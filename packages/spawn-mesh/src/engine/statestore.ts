/**
 * PORT: where actors are kept.
 *
 * One row an actor, and every write of it is one *commit*: conditional on the etag of the commit
 * before it, whole or not at all. An implementation must pass `statestoreConformance` of
 * `spawn-mesh/testing`; `memory.ts` is the reference.
 */
import type { ActorId } from "./actor-id.ts";
import type { ActorQueries } from "./actor-queries.ts";
import type { IndexEntry } from "./values/index-values.ts";
import type { Message, MessageRef, MessageStore, StoredMessage } from "./message-store.ts";
import type { Sealed, SealedRows } from "./sealed-rows.ts";
import type { SystemRows } from "./system-rows.ts";

/** The unique id of a commit: 16 random bytes as 16 latin-1 characters. A fencing token. */
export type Etag = string;

/** A state in its codec's own form: JSON text, or the bytes of a protobuf message. */
export type StateBytes = string | Uint8Array;

/** How a state is encoded. */
export type Codec = "json";

/** What a statestore calls a row in later commits; only it knows what is inside. */
export type StoreHandle = number | string;

/** Labels of an actor, kept beside its state and never encrypted. */
export type Tags = Readonly<Record<string, string>>;

/** A committed state with what belongs to it. */
export interface StoredState {
  /** The etag of the commit that it is of. */
  readonly etag: Etag;
  /** `undefined` when the actor has none: deleted, or there is a {@link StoredState.problem}. */
  readonly state: StateBytes | Sealed | undefined;
  readonly codec: Codec;
  /** Version of the state's shape, from 1: which migrations it still needs. */
  readonly stateVersion: number;
  readonly tags: Tags | undefined;
  /** +1 with every commit of the actor, from 1. */
  readonly revision: number;
  /** When it was committed: the commit's `at`. */
  readonly at: number;
  /** Why the statestore cannot read state and tags, although the row is there: it can be replaced. Default: it can. */
  readonly problem?: string | undefined;
}

/** The row of an actor. */
export interface StoredActor extends StoredState {
  readonly handle: StoreHandle;
  /** The etag that the present owner took over from: tells a displaced owner whether its last commit made it. */
  readonly baseEtag: Etag | undefined;
  /** +1 when the owner changes, from 1. */
  readonly epoch: number;
  /** The session that committed last. A hint, never a right. */
  readonly owner: string;
  /** A tombstone: the actor was deleted, its etag still fences. */
  readonly isDeleted: boolean;
  /** When the last revision was kept in the history; `undefined` if none was. */
  readonly keptAt: number | undefined;
  /** How many ordered messages that the actor sent are still stored, parked ones not counted. */
  readonly unsent: number;
}

/**
 * The outcome of a call with an idempotency key, stored by the commit that applied the call; or that of
 * a step of such a call.
 */
export interface StoredReply {
  readonly key: string;
  /** Fingerprint of action and payload: the same key with another one is a conflict. */
  readonly fingerprint: string;
  /**
   * What `reply` is: the reply itself; where the call went on (a pipe or forward), whose outcome is
   * stored there; or the error that it ended with, which only the last step of such a call has.
   */
  readonly kind: "reply" | "continued" | "failed";
  /** As text, nearly always JSON; `null` when there was no reply, `undefined` when it was too large to store. */
  readonly reply: string | Sealed | null | undefined;
  /** After this time (wall clock) the key may be forgotten. */
  readonly expiresAt: number;
}

/** One conditional write of one actor with everything that belongs to it. */
export interface Commit extends StoredState {
  readonly actor: ActorId;
  /** The handle of the row, or `undefined` to create it. */
  readonly handle: StoreHandle | undefined;
  /** The etag that the row must have, or `undefined`: there must be no row. */
  readonly previous: Etag | undefined;
  /** Whether this deletes the actor: state, history, index, stored replies and its timers go, a tombstone stays. */
  readonly isDelete: boolean;
  /**
   * How many revisions the history holds after the row's *superseded* state was put into it;
   * 0 keeps no new one. The oldest go first.
   */
  readonly revisionsKept: number;
  /**
   * If a revision is put into the history: those go, too, that were superseded by then (wall), so that
   * what was the state at that time is kept. `undefined`: they stay, however old.
   */
  readonly revisionsSince?: number | undefined;
  /**
   * The entries of the actor's declared index, instead of all that it has; `undefined` leaves them as they
   * are. A delete removes them.
   */
  readonly index?: readonly IndexEntry[] | undefined;
  /** Replies to store. If the store already has one of these keys for this actor, the whole commit is refused. */
  readonly replies: readonly StoredReply[];
  /**
   * The messages that this commit consumes: they are removed. If one of them is not stored
   * (consumed, cancelled, parked), or is named twice, the whole commit is refused. Happens before
   * {@link Commit.sends}, so that a message may be replaced by one of the same id.
   */
  readonly consumes: readonly MessageRef[];
  /**
   * Ids of messages that this commit cancels: what is stored under them is removed, after
   * {@link Commit.consumes} and before {@link Commit.sends}. It is no reason to refuse the commit when
   * nothing is; what is parked stays.
   */
  readonly cancels: readonly string[];
  /** Messages that this commit sends, in order. One whose id is stored or parked already changes nothing. */
  readonly sends: readonly Message[];
}

/** What to read of one actor in one load. */
export interface StoreQuery {
  readonly actor: ActorId;
  /** Whether the row is wanted, or only the stored replies. */
  readonly row: boolean;
  /** Idempotency keys whose stored replies are wanted. */
  readonly keys: readonly string[];
  /** Ids of messages that are wanted, if they are still stored. */
  readonly messages: readonly string[];
}

/** What was found for one query of a load. */
export interface StoreAnswer {
  /** The row; `undefined` if it was not wanted or the actor was never committed. */
  readonly row: StoredActor | undefined;
  /** The stored replies that were found, in no order. */
  readonly replies: readonly StoredReply[];
  /** The messages that were found, in no order; parked ones are not. */
  readonly messages: readonly StoredMessage[];
}

/** Who opens a statestore, and for what. */
export interface StoreSession {
  /** The id of this incarnation of the process: the owner of all its commits. */
  readonly owner: string;
  /** The system whose actors it runs. Default: it runs none. */
  readonly system?: string;
  /** The cluster that it is part of. Default: none. */
  readonly cluster?: string | undefined;
  /** The keys that it has. Default: none. */
  readonly keyIds?: readonly string[];
  /** Hears of settings of the database that may break a promise. */
  readonly onWarning?: (warning: StoreWarning) => void;
}

/** A setting of the database with which it may lose what was acknowledged. */
export interface StoreWarning {
  readonly setting: string;
  readonly value: string;
  /** What may happen, in a sentence. */
  readonly risk: string;
}

/** A kept revision, without its state. */
export interface RevisionInfo {
  readonly revision: number;
  /** When it was committed. */
  readonly at: number;
}

/** A page of the actors of one definition. */
export interface ActorsOf {
  readonly system: string;
  readonly definition: string;
  /** The last name of the page before; `undefined` for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
}

/**
 * Where actors are kept. Calls may overlap; a call sees every call that was answered before it began.
 * Failures are {@link StoreFailure}s and say what is certain.
 */
export interface Statestore {
  /** Whether what it keeps leaves this machine, so that it is refused without encryption. */
  readonly needsEncryption: boolean;

  /**
   * Opens the store, creates or upgrades its tables, and takes it for this session: a file for itself
   * alone, a database beside others, where etags decide who writes.
   *
   * @throws {SpawnError} `STATESTORE_UNAVAILABLE` with what was expected and what to do, and nothing
   * is changed: the file is foreign, damaged, of a newer schema, read-only, in use by another,
   * holds rows that are sealed with a key which the session does not have (`checkKeyIds`), or is
   * one that several processes can have open and serves the system of another cluster.
   */
  open(session: StoreSession): Promise<void>;

  /**
   * Reads rows and stored replies: one answer a query, in order. Throws rather than answer "no row" in doubt.
   *
   * Of a row whose state or tags are damaged it answers the rest, with the {@link StoredState.problem}.
   *
   * @throws {SpawnError} `STATE_CORRUPT` when a row is damaged beyond that; the others can be asked for alone
   */
  load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]>;

  /**
   * Commits several actors, each at most once, durably before the answer. Each commit is atomic by
   * itself, with all its parts or with none, and finds what those before it have left. The answer has,
   * in order, the handle of each row that was committed and `undefined` for a commit that was refused
   * because its condition did not hold.
   *
   * Repeating a commit that was applied is refused and changes nothing; a later {@link load} tells.
   *
   * @throws {StoreFailure} `ambiguous` when any of them may or may not have been applied; every other
   * kind says that none was.
   */
  commit(commits: readonly Commit[]): Promise<readonly (StoreHandle | undefined)[]>;

  /** The kept revisions of an actor, the newest first, without the present state. */
  listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]>;

  /** One kept revision, or `undefined` if it is not kept. */
  readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined>;

  /**
   * Names of the actors of a definition that have a state, in the order of the store, after `after`;
   * deleted ones are left out. At most `limit`.
   */
  listActors(of: ActorsOf): Promise<readonly string[]>;

  /** Finds actors. */
  readonly queries: ActorQueries;

  /** What waits to be delivered. */
  readonly messages: MessageStore;

  /** What may be encrypted, to change its keys. */
  readonly sealed: SealedRows;

  /** All that is stored of a system, to carry it to another statestore. */
  readonly systems: SystemRows;

  /** Forgets up to `limit` stored replies that expired before `wall`; answers how many. */
  prune(wall: number, limit: number): Promise<number>;

  /** Ends the session. What was answered stays; later calls fail with `fatal`. */
  close(): Promise<void>;
}

/**
 * What is certain after a failure:
 * - `ambiguous`: may or may not have been applied (lost answer, error at COMMIT).
 * - `retry`: not applied; the same call may succeed soon (deadlock, busy, no connection yet).
 * - `capacity`: not applied; disk full, too many connections.
 * - `rows`: not applied; the commits at `rows` can never be stored, the others can.
 * - `fatal`: not applied, and repeating will not help.
 */
export type StoreFailureKind = "ambiguous" | "retry" | "capacity" | "rows" | "fatal";

/** How a statestore fails. Adapters translate their drivers' errors into it and keep them as `cause`. */
export class StoreFailure extends Error {
  readonly kind: StoreFailureKind;
  /** Indexes of the commits that can never be stored, for kind `rows`. */
  readonly rows: readonly number[];

  constructor(
    kind: StoreFailureKind,
    message: string,
    options: { readonly cause?: unknown; readonly rows?: readonly number[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "StoreFailure";
    this.kind = kind;
    this.rows = options.rows ?? [];
  }

  /** With its text, which JSON leaves out of errors otherwise. */
  toJSON(): object {
    const { name, kind, message } = this;
    return { name, kind, message };
  }
}

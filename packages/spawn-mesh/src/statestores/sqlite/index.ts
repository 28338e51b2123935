/**
 * The statestore on a SQLite file, with nothing to install: `node:sqlite` in one worker thread, so
 * that a disk's sync never holds up the actors. Acknowledged is on the disk: WAL, `synchronous=FULL`.
 */
import { resolve } from "node:path";
import type { ActorId } from "../../engine/actor-id.ts";
import type { ActorQueries } from "../../engine/actor-queries.ts";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { checkWholeNumber, TIMEOUT_MS_MAX } from "../../engine/limits.ts";
import { checkOptionNames } from "../../engine/option-names.ts";
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
  type StoredState,
} from "../../engine/statestore.ts";
import { packCommits, REFUSED } from "./commit-rows.ts";
import type { ConnectionOptions, SqliteDurability } from "./connection.ts";
import { createDirectory } from "./file-directory.ts";
import { acquireFileLock, type FileLock } from "./file-lock.ts";
import type { MessageStore } from "../../engine/message-store.ts";
import type { SealedRows } from "../../engine/sealed-rows.ts";
import type { FoundRow, ImportMark, SystemRows } from "../../engine/system-rows.ts";
import type { MessageCall } from "./message-calls.ts";
import type { QueryCall } from "./query-calls.ts";
import type { SealedCall } from "./sealed-calls.ts";
import type { SystemCall } from "./system-calls.ts";
import { packQueries, unpackAnswers } from "./load-rows.ts";
import { WorkerLink } from "./worker-link.ts";

export type { SqliteDurability } from "./connection.ts";

/** Which file, and how it is used. */
export interface SqliteStatestoreOptions {
  /**
   * The file, made with its directory if there is none. Its log `FILE-wal`, `FILE-shm` and
   * `FILE.lock` stand beside it. On a local disk: SQLite's log does not work over a network.
   */
  readonly file: string;
  /**
   * How long a commit waits for another program, a backup for example, that holds a lock on the
   * file, in milliseconds. Default 5000.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * The largest row, in bytes: a state with what belongs to it. A commit with a larger one fails for
   * ever. Default 1 000 000 000, the largest that SQLite can store.
   */
  readonly rowSizeMaxBytes?: number | undefined;
}

/** A statestore on a SQLite file. */
export interface SqliteStatestore extends Statestore {
  /** How durable commits are, asked of the very connection that writes them. */
  readDurability(): Promise<SqliteDurability>;
}

const BUSY_TIMEOUT_MS = 5000;
/** What SQLite has no file for. Here it would be one of that name. */
const IN_MEMORY = ":memory:";
const ROW_SIZE_MAX_BYTES = 1_000_000_000;

/** A statestore on a SQLite file. One process at a time, and in it one statestore, can have it open. */
export function sqliteStatestore(options: SqliteStatestoreOptions): SqliteStatestore {
  return new WorkerStatestore(options);
}

class WorkerStatestore implements SqliteStatestore {
  readonly #options: ConnectionOptions;
  readonly messages: MessageStore = {
    send: (messages) => this.#callMessages("send", messages),
    claim: (claim) => this.#callMessages("claim", claim),
    nextDueAt: () => this.#callMessages("nextDueAt"),
    postpone: (postponements) => this.#callMessages("postpone", postponements),
    replace: (message, by, outcome) => this.#callMessages("replace", message, by, outcome),
    remove: (ids) => this.#callMessages("remove", ids),
    list: (page) => this.#callMessages("list", page),
    listSentLater: (page) => this.#callMessages("listSentLater", page),
    park: (parked, at) => this.#callMessages("park", parked, at),
    listParked: (page) => this.#callMessages("listParked", page),
    retryParked: (ids, dueAt) => this.#callMessages("retryParked", ids, dueAt),
    discardParked: (ids) => this.#callMessages("discardParked", ids),
  };
  readonly queries: ActorQueries = {
    list: (page) => this.#callQueries("list", page),
    reindex: (rewrites) => this.#callQueries("reindex", rewrites),
  };
  readonly sealed: SealedRows = {
    listKeys: () => this.#callSealed("listKeys"),
    addKey: (proof) => this.#callSealed("addKey", proof),
    removeKey: (keyId) => this.#callSealed("removeKey", keyId),
    scan: (page) => this.#callSealed("scan", page),
    rewrite: (rewrites) => this.#callSealed("rewrite", rewrites),
  };
  readonly systems: SystemRows = {
    read: (system) => this.#readSystem(system),
    add: (rows) => this.#callSystems<void>("add", rows),
    remove: (rows) => this.#callSystems<void>("remove", rows),
    readMark: (system) => this.#callSystems<ImportMark | undefined>("readMark", system),
    writeMark: (system, mark) => this.#callSystems<void>("writeMark", system, mark),
  };
  readonly needsEncryption = false;
  #lock: FileLock | undefined;
  #link: WorkerLink | undefined;

  constructor(options: SqliteStatestoreOptions) {
    if (typeof options?.file !== "string") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `sqliteStatestore: expected { file } with the path of one, got ${typeof options?.file} for it`,
      );
    }
    checkOptionNames("sqliteStatestore", options, ["file", "busyTimeoutMs", "rowSizeMaxBytes"]);
    const { file, busyTimeoutMs = BUSY_TIMEOUT_MS, rowSizeMaxBytes = ROW_SIZE_MAX_BYTES } = options;
    checkWholeNumber("busyTimeoutMs", busyTimeoutMs, { min: 0, max: TIMEOUT_MS_MAX });
    checkWholeNumber("rowSizeMaxBytes", rowSizeMaxBytes, { min: 1, max: ROW_SIZE_MAX_BYTES });
    if (file === IN_MEMORY) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `sqliteStatestore: expected the path of a file, got ${IN_MEMORY}; memoryStatestore() of spawn-mesh/memory keeps nothing`,
      );
    }
    this.#options = { file: resolve(file), busyTimeoutMs, rowSizeMaxBytes };
  }

  async open({ owner, keyIds = [] }: StoreSession): Promise<void> {
    const lock = this.#acquireLock();
    const link = new WorkerLink({ ...this.#options, owner, keyIds });
    try {
      await link.open();
    } catch (error) {
      lock.undo();
      throw error;
    }
    this.#lock = lock;
    this.#link = link;
  }

  async load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    const link = this.#openLink();
    const request = [packQueries(queries), queries.length] as const;
    return unpackAnswers(await link.call("load", request), queries.length);
  }

  async commit(commits: readonly Commit[]): Promise<readonly (StoreHandle | undefined)[]> {
    const link = this.#openLink();
    const request = [packCommits(commits), commits.length] as const;
    const handles = await link.call("commit", request);
    return handles.map((handle) => (handle === REFUSED ? undefined : handle));
  }

  async listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]> {
    return this.#openLink().call("listRevisions", actor);
  }

  async readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined> {
    return this.#openLink().call("readRevision", { actor, revision });
  }

  async listActors(of: ActorsOf): Promise<readonly string[]> {
    return this.#openLink().call("listActors", of);
  }

  async prune(wall: number, limit: number): Promise<number> {
    return this.#openLink().call("prune", { wall, limit });
  }

  async readDurability(): Promise<SqliteDurability> {
    return this.#openLink().call("durability", undefined);
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    const link = this.#link;
    this.#lock = undefined;
    this.#link = undefined;
    try {
      await link?.close();
    } finally {
      lock?.release();
    }
  }

  #acquireLock(): FileLock {
    const { file } = this.#options;
    try {
      createDirectory(file);
    } catch (cause) {
      const message = `the directory of ${file} cannot be made: ${describeThrown(cause)}`;
      throw new SpawnError("STATESTORE_UNAVAILABLE", message, { cause });
    }
    return acquireFileLock(file);
  }

  async #callMessages<Name extends keyof MessageStore>(
    ...call: readonly [name: Name, ...inputs: Parameters<MessageStore[Name]>]
  ): Promise<Awaited<ReturnType<MessageStore[Name]>>> {
    const answer = await this.#openLink().call("messages", call as unknown as MessageCall);
    return answer as Awaited<ReturnType<MessageStore[Name]>>;
  }

  async #callQueries<Name extends keyof ActorQueries>(
    ...call: readonly [name: Name, ...inputs: Parameters<ActorQueries[Name]>]
  ): Promise<Awaited<ReturnType<ActorQueries[Name]>>> {
    const answer = await this.#openLink().call("queries", call as unknown as QueryCall);
    return answer as Awaited<ReturnType<ActorQueries[Name]>>;
  }

  async #callSealed<Name extends keyof SealedRows>(
    ...call: readonly [name: Name, ...inputs: Parameters<SealedRows[Name]>]
  ): Promise<Awaited<ReturnType<SealedRows[Name]>>> {
    const answer = await this.#openLink().call("sealed", call as unknown as SealedCall);
    return answer as Awaited<ReturnType<SealedRows[Name]>>;
  }

  async *#readSystem(system: string): AsyncIterable<readonly FoundRow[]> {
    const view = await this.#callSystems<number>("beginRead", system);
    try {
      for (;;) {
        const rows = await this.#callSystems<readonly FoundRow[]>("readPart", view);
        if (rows.length === 0) return;
        yield rows;
      }
    } finally {
      // Closed with the statestore, otherwise.
      if (this.#link !== undefined) await this.#callSystems<void>("endRead", view);
    }
  }

  async #callSystems<Answer>(...call: SystemCall): Promise<Answer> {
    return (await this.#openLink().call("systems", call)) as Answer;
  }

  #openLink(): WorkerLink {
    if (this.#link === undefined) throw new StoreFailure("fatal", "the statestore is not open");
    return this.#link;
  }
}

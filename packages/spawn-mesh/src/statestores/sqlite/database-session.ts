/**
 * The worker's side of the statestore: a connection, what runs on it, and what follows from its errors.
 *
 * An error of COMMIT leaves open whether the transaction is in the file. The connection is closed and
 * opened anew, which reads what really is in the log, and the caller is told `ambiguous`: it repeats
 * the same commit, which applies it or is refused because it was applied. A full disk is the common
 * case of this, and there the answer can be had at once: nobody else writes this file, so if the new
 * connection does not find the transaction, it will never appear.
 */
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { describeThrown, isSpawnError, SpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import { carryOver, openConnection, readDurability } from "./connection.ts";
import { prepareFile } from "./database-file.ts";
import { createDirectory } from "./file-directory.ts";
import { CommitStepError, GroupCommit, RowStepError, type Witness } from "./group-commit.ts";
import { isMessageRead, MessageCalls } from "./message-calls.ts";
import { RowReader } from "./row-reader.ts";
import { checkKeyIds } from "../../engine/sealed-rows.ts";
import { isQueryRead, QueryCalls } from "./query-calls.ts";
import type { FoundRow } from "../../engine/system-rows.ts";
import { isSealedRead, SealedCalls } from "./sealed-calls.ts";
import {
  failureBeforeCommit,
  isDiskFull,
  needsReopening,
  resultCode,
  SQLITE_CORRUPT,
} from "./sqlite-failures.ts";
import { type SystemCall, SystemCalls } from "./system-calls.ts";
import { SystemView } from "./system-view.ts";
import type { OpenOptions, PackedBatch, WorkerCalls, WorkerRequest } from "./worker-messages.ts";

interface Connection {
  /** Which file it is, whatever its name means now. */
  readonly inode: number;
  readonly database: DatabaseSync;
  readonly group: GroupCommit;
  readonly reader: RowReader;
  readonly messages: MessageCalls;
  readonly queries: QueryCalls;
  readonly sealed: SealedCalls;
  readonly systems: SystemCalls;
}

/** Nothing tells whether a transaction was applied; but repeating it does no harm. */
const NO_WITNESS: Witness = { handle: 0, etag: new Uint8Array() };

export class DatabaseSession {
  #options: OpenOptions | undefined;
  /** Absent between an error and the next call, which opens it anew. */
  #connection: Connection | undefined;
  /** Whether the log must be carried into the file before anything is built on it. */
  #isLogInDoubt = false;
  /** By their numbers. */
  readonly #views = new Map<number, SystemView>();
  #lastView = 0;

  /** @throws {StoreFailure | SpawnError} */
  handle([call, request]: WorkerRequest): unknown {
    switch (call) {
      case "open":
        return this.#open(request);
      case "commit":
        return this.#commit(request);
      case "load":
        return this.#read(({ reader }) => reader.load(...request));
      case "listRevisions":
        return this.#read(({ reader }) => reader.listRevisions(request));
      case "readRevision":
        return this.#read(({ reader }) => reader.readRevision(request.actor, request.revision));
      case "listActors":
        return this.#read(({ reader }) => reader.listActors(request));
      case "messages":
        return this.#inTransaction(isMessageRead(request), ({ messages }) => messages.run(request));
      case "queries":
        return this.#inTransaction(isQueryRead(request), ({ queries }) => queries.run(request));
      case "sealed":
        return this.#inTransaction(isSealedRead(request), ({ sealed }) => sealed.run(request));
      case "systems":
        return this.#runOnSystem(request);
      case "prune":
        return this.#read(({ reader }) => reader.prune(request.wall, request.limit));
      case "durability":
        return this.#read(({ database }) => readDurability(database));
      case "close":
        for (const view of this.#views.keys()) this.#endRead(view);
        return this.#closeConnection();
    }
  }

  #open(options: OpenOptions): void {
    this.#options = options;
    try {
      createDirectory(options.file);
      prepareFile(options.file);
      this.#connect();
    } catch (cause) {
      throw new SpawnError(
        "STATESTORE_UNAVAILABLE",
        `${options.file} cannot be opened: ${describeThrown(cause)}`,
        { cause },
      );
    }
    this.#checkKeys(options.keyIds);
  }

  #checkKeys(keyIds: OpenOptions["keyIds"]): void {
    try {
      const stored = this.#read(({ sealed }) => sealed.listKeys());
      checkKeyIds(
        stored.map(({ keyId }) => keyId),
        keyIds,
      );
    } catch (error) {
      this.#closeConnection();
      throw error;
    }
  }

  #commit([rows, count]: PackedBatch): WorkerCalls["commit"]["answer"] {
    const { group } = this.#connected();
    try {
      return group.run(rows, count);
    } catch (error) {
      if (error instanceof CommitStepError) throw this.#afterCommitStep(error);
      throw this.#certainFailure(error);
    }
  }

  #runOnSystem(call: SystemCall): unknown {
    switch (call[0]) {
      case "beginRead":
        return this.#read(() => this.#beginRead(call[1]));
      case "readPart":
        return this.#read(() => this.#readPart(call[1]));
      case "endRead":
        return this.#endRead(call[1]);
      case "readMark":
        return this.#read(({ systems }) => systems.run(call));
      default:
        return this.#inTransaction(false, ({ systems }) => systems.run(call));
    }
  }

  #beginRead(system: string): number {
    const { file, busyTimeoutMs } = this.#options!;
    this.#views.set(++this.#lastView, new SystemView(file, busyTimeoutMs, system));
    return this.#lastView;
  }

  #readPart(number: number): readonly FoundRow[] {
    const view = this.#views.get(number);
    if (view !== undefined) return view.nextPart();
    throw new StoreFailure("fatal", "the worker has ended since the reading began: begin again");
  }

  #endRead(number: number): void {
    this.#views.get(number)?.close();
    this.#views.delete(number);
  }

  /** Runs a call that is one transaction; one that only reads needs none. */
  #inTransaction(isRead: boolean, run: (connection: Connection) => unknown): unknown {
    return this.#read((connection) => {
      if (isRead) return run(connection);
      const { database } = connection;
      database.exec("BEGIN IMMEDIATE");
      let answer: unknown;
      try {
        answer = run(connection);
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
      try {
        database.exec("COMMIT");
      } catch (cause) {
        throw this.#afterCommitStep(new CommitStepError(cause, NO_WITNESS));
      }
      return answer;
    });
  }

  #read<T>(run: (connection: Connection) => T): T {
    const connection = this.#connected();
    try {
      return run(connection);
    } catch (error) {
      // A damaged row or page concerns those who ask for it, and nobody else.
      if (isSpawnError(error) || error instanceof StoreFailure) throw error;
      if (resultCode(error) === SQLITE_CORRUPT) {
        const message = `the file is damaged: ${describeThrown(error)}`;
        throw new SpawnError("STATE_CORRUPT", message, { cause: error });
      }
      throw this.#certainFailure(error);
    }
  }

  /** Nothing was applied, whatever the error was. */
  #certainFailure(error: unknown): StoreFailure {
    const cause = error instanceof RowStepError ? error.cause : error;
    const kind = failureBeforeCommit(cause);
    const rows = error instanceof RowStepError && kind === "rows" ? [error.index] : [];
    const isStuck = this.#connection?.database.isTransaction === true;
    if (isStuck || needsReopening(cause)) this.#closeConnection();
    return new StoreFailure(kind, describeThrown(cause), { cause, rows });
  }

  #afterCommitStep({ cause, witness }: CommitStepError): StoreFailure {
    this.#closeConnection();
    const message = `COMMIT failed: ${describeThrown(cause)}`;
    if (witness !== NO_WITNESS && isDiskFull(cause)) {
      if (this.#isCertainlyAbsent(witness)) return new StoreFailure("capacity", message, { cause });
    } else {
      this.#isLogInDoubt = true;
    }
    return new StoreFailure("ambiguous", message, { cause });
  }

  #isCertainlyAbsent(witness: Witness | undefined): boolean {
    if (witness === undefined) return true;
    try {
      const { database } = this.#connected();
      const find = database.prepare("SELECT 1 FROM spawn_actor WHERE id = ? AND etag = ?");
      return find.get(witness.handle, witness.etag) === undefined;
    } catch {
      return false;
    }
  }

  #connected(): Connection {
    if (this.#connection !== undefined) return this.#inPlace(this.#connection);
    try {
      return this.#connect();
    } catch (cause) {
      this.#closeConnection();
      throw new StoreFailure(failureBeforeCommit(cause), describeThrown(cause), { cause });
    }
  }

  #connect(): Connection {
    if (this.#options === undefined) throw new StoreFailure("fatal", "the file was never opened");
    const database = openConnection(this.#options);
    try {
      if (this.#isLogInDoubt) carryOver(database);
      this.#isLogInDoubt = false;
      const group = new GroupCommit(database, this.#options.owner);
      const reader = new RowReader(database);
      const messages = new MessageCalls(database);
      const queries = new QueryCalls(database);
      const sealed = new SealedCalls(database);
      const systems = new SystemCalls(database, group);
      const inode = inodeOf(this.#options.file)!;
      const calls = { messages, queries, sealed, systems };
      this.#connection = { inode, database, group, reader, ...calls };
      return this.#connection;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** What is written to a file that has no name any more is gone with this process. */
  #inPlace(connection: Connection): Connection {
    const { file } = this.#options!;
    if (inodeOf(file) === connection.inode) return connection;
    const what = `${file} was replaced or removed while it was in use: expected the file that was opened`;
    throw new StoreFailure(
      "fatal",
      `${what}; stop the process, put the right file there, start again`,
    );
  }

  #closeConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.database.close();
  }
}

/** What tells a file from another of the same name; `undefined` when there is none. */
function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

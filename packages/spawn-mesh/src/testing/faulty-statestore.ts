/**
 * A statestore that fails when it is told to, around one that works.
 *
 * Every fault is one that real statestores have: a call that fails before it had an effect, a call
 * whose answer is lost after it had its effect, and a call that takes its time. What is not told to
 * fail goes through untouched, so that the tests of what wraps a statestore need no second model.
 */
import type { ActorId } from "../engine/actor-id.ts";
import type { ActorQueries } from "../engine/actor-queries.ts";
import { StoreFailure } from "../engine/statestore.ts";
import type { MessageStore } from "../engine/message-store.ts";
import type { SealedRows } from "../engine/sealed-rows.ts";
import type { SystemRows } from "../engine/system-rows.ts";
import type {
  ActorsOf,
  Commit,
  RevisionInfo,
  Statestore,
  StoreAnswer,
  StoreFailureKind,
  StoreHandle,
  StoreQuery,
  StoreSession,
  StoredState,
} from "../engine/statestore.ts";

/** The calls of a statestore that can be made to fail. */
export type StatestoreOperation =
  | "open"
  | "load"
  | "commit"
  | "history"
  | "messages"
  | "queries"
  | "sealed"
  | "systems"
  | "prune"
  | "close";

/** How calls of a statestore fail. */
export interface StatestoreFault {
  /** How it fails. Default `ambiguous` when the call is applied, else `retry`. */
  readonly kind?: StoreFailureKind;
  /** Indexes of the commits that can never be stored, for kind `rows`. */
  readonly rows?: readonly number[];
  /** Whether the call has its effect before its answer is lost. Default `false`. */
  readonly isApplied?: boolean;
  /** How many calls fail. Default 1; `Infinity` for all until {@link FaultyStatestore.heal}. */
  readonly times?: number;
}

/** Calls that wait until they are let go. */
export interface StatestoreHold {
  /** How many calls wait. */
  readonly waiting: number;
  /** Lets all of them go on, and those that come later. */
  release(): void;
}

class Hold implements StatestoreHold {
  readonly isApplied: boolean;
  waiting = 0;
  readonly released: Promise<void>;
  #release: () => void = () => undefined;
  readonly #onRelease: () => void;

  constructor(isApplied: boolean, onRelease: () => void) {
    this.isApplied = isApplied;
    this.#onRelease = onRelease;
    this.released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#onRelease();
    this.#release();
  }
}

/** For tests: makes calls of the statestore within fail, lose their answers, or wait. */
export class FaultyStatestore implements Statestore {
  /** The groups of commits that were sent, repetitions included. */
  readonly groups: (readonly Commit[])[] = [];
  /** How many loads were sent. */
  loadCount = 0;
  readonly #inner: Statestore;
  readonly #faults = new Map<StatestoreOperation, StatestoreFault & { left: number }>();
  readonly #holds = new Map<StatestoreOperation, Hold>();

  /** Every call of it is one of the operation `queries`. */
  readonly queries: ActorQueries;

  /** Every call of it is one of the operation `messages`. */
  readonly messages: MessageStore;

  /** Every call of it is one of the operation `sealed`. */
  readonly sealed: SealedRows;

  /** Every call of it but `read` is one of the operation `systems`. */
  readonly systems: SystemRows;

  constructor(inner: Statestore) {
    this.#inner = inner;
    const { messages, queries, sealed, systems } = inner;
    this.queries = {
      list: (page) => this.#call("queries", () => queries.list(page)),
      reindex: (rewrites) => this.#call("queries", () => queries.reindex(rewrites)),
    };
    this.systems = {
      read: (system) => systems.read(system),
      add: (rows) => this.#call("systems", () => systems.add(rows)),
      remove: (rows) => this.#call("systems", () => systems.remove(rows)),
      readMark: (system) => this.#call("systems", () => systems.readMark(system)),
      writeMark: (system, mark) => this.#call("systems", () => systems.writeMark(system, mark)),
    };
    this.sealed = {
      listKeys: () => this.#call("sealed", () => sealed.listKeys()),
      addKey: (proof) => this.#call("sealed", () => sealed.addKey(proof)),
      removeKey: (keyId) => this.#call("sealed", () => sealed.removeKey(keyId)),
      scan: (page) => this.#call("sealed", () => sealed.scan(page)),
      rewrite: (rewrites) => this.#call("sealed", () => sealed.rewrite(rewrites)),
    };
    const call = <Answer>(run: () => Promise<Answer>): Promise<Answer> =>
      this.#call("messages", run);
    this.messages = {
      send: (sent) => call(() => messages.send(sent)),
      claim: (claim) => call(() => messages.claim(claim)),
      nextDueAt: () => call(() => messages.nextDueAt()),
      postpone: (postponements) => call(() => messages.postpone(postponements)),
      replace: (message, by, outcome) => call(() => messages.replace(message, by, outcome)),
      remove: (ids) => call(() => messages.remove(ids)),
      list: (page) => call(() => messages.list(page)),
      listSentLater: (page) => call(() => messages.listSentLater(page)),
      park: (parked, at) => call(() => messages.park(parked, at)),
      listParked: (page) => call(() => messages.listParked(page)),
      retryParked: (ids, dueAt) => call(() => messages.retryParked(ids, dueAt)),
      discardParked: (ids) => call(() => messages.discardParked(ids)),
    };
  }

  get needsEncryption(): boolean {
    return this.#inner.needsEncryption;
  }

  /** All commits that were sent, in order, repetitions included. */
  get commits(): readonly Commit[] {
    return this.groups.flat();
  }

  /** The next calls of that operation fail. */
  fail(operation: StatestoreOperation, fault: StatestoreFault = {}): void {
    this.#faults.set(operation, { ...fault, left: fault.times ?? 1 });
  }

  /** Calls of that operation wait: before they have an effect, or with `isApplied` after it. */
  hold(
    operation: StatestoreOperation,
    { isApplied = false }: { readonly isApplied?: boolean } = {},
  ): StatestoreHold {
    const hold = new Hold(isApplied, () => {
      if (this.#holds.get(operation) === hold) this.#holds.delete(operation);
    });
    this.#holds.set(operation, hold);
    return hold;
  }

  /** No call fails any more and none waits. */
  heal(): void {
    this.#faults.clear();
    for (const hold of this.#holds.values()) hold.release();
  }

  open(session: StoreSession): Promise<void> {
    return this.#call("open", () => this.#inner.open(session));
  }

  load(queries: readonly StoreQuery[]): Promise<readonly StoreAnswer[]> {
    this.loadCount++;
    return this.#call("load", () => this.#inner.load(queries));
  }

  commit(commits: readonly Commit[]): Promise<readonly (StoreHandle | undefined)[]> {
    this.groups.push([...commits]);
    return this.#call("commit", () => this.#inner.commit(commits));
  }

  listActors(of: ActorsOf): Promise<readonly string[]> {
    return this.#call("messages", () => this.#inner.listActors(of));
  }

  listRevisions(actor: ActorId): Promise<readonly RevisionInfo[]> {
    return this.#call("history", () => this.#inner.listRevisions(actor));
  }

  readRevision(actor: ActorId, revision: number): Promise<StoredState | undefined> {
    return this.#call("history", () => this.#inner.readRevision(actor, revision));
  }

  prune(wall: number, limit: number): Promise<number> {
    return this.#call("prune", () => this.#inner.prune(wall, limit));
  }

  close(): Promise<void> {
    return this.#call("close", () => this.#inner.close());
  }

  async #call<Answer>(
    operation: StatestoreOperation,
    call: () => Promise<Answer>,
  ): Promise<Answer> {
    const hold = this.#holds.get(operation);
    if (hold?.isApplied === false) await waitFor(hold);
    const fault = this.#nextFault(operation);
    if (fault === undefined || fault.isApplied === true) {
      const answer = await call();
      if (hold?.isApplied === true) await waitFor(hold);
      if (fault === undefined) return answer;
    }
    const kind = fault.kind ?? (fault.isApplied === true ? "ambiguous" : "retry");
    throw new StoreFailure(kind, `injected: ${operation} fails as ${kind}`, {
      rows: fault.rows ?? [],
    });
  }

  #nextFault(operation: StatestoreOperation): StatestoreFault | undefined {
    const fault = this.#faults.get(operation);
    if (fault === undefined || fault.left <= 0) return undefined;
    fault.left--;
    return fault;
  }
}

async function waitFor(hold: Hold): Promise<void> {
  hold.waiting++;
  await hold.released;
  hold.waiting--;
}

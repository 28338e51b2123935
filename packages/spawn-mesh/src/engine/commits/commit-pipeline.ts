/**
 * The commits of one activation: the one in flight, and the one that is growing.
 *
 * Actions go on while a commit is under way. What they change is speculative: it joins the next
 * commit, and their replies leave when that commit is done (the output gate, I9). At most one commit
 * is in flight (I10), always conditional on the etag of the last one known to be durable (I1).
 * Whatever ran on top of a commit that failed is given back to run again, never stored (I4, I5).
 *
 * A read, or an action that changed nothing, has nothing to store, but it waits for the commit of
 * everything it saw.
 *
 * Write-behind actors use the same pipeline. Their replies leave at once, and the growing commit
 * stays here until it is due.
 */
import type { ActorDefinition } from "../actor-definition.ts";
import type { ActorId } from "../actor-id.ts";
import {
  NOT_TO_KEEP,
  addBesideState,
  addEntry,
  answerAll,
  beginsTimersAtMost,
  commitOf,
  isCancelled,
  isRevisionDue,
  isStateAlone,
  failChanges,
  isUrgent,
  joinBefore,
  keptAtOf,
  consumesLess,
  newBatch,
  openGates,
  outcomeLost,
  sealMessages,
  sealState,
  takeBack,
  whenCommitted,
} from "./commit-batch.ts";
import type { Batch, BatchMessages, Change, DurableChange, Gate } from "./commit-batch.ts";
import { mayWait } from "./commit-pace.ts";
import { AdmittedMailbox } from "../activations/admitted-mailbox.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { SpawnError } from "../errors.ts";
import type { Invocation } from "../calls/invocation.ts";
import { messageGone } from "../calls/keyed-invocations.ts";
import type { Limits } from "../limits.ts";
import { WrittenIndex } from "./written-index.ts";
import type { Outgoing } from "../messages/sending.ts";
import type {
  Commit,
  Etag,
  StateBytes,
  StoreAnswer,
  StoredActor,
  StoredReply,
  StoreHandle,
  Tags,
} from "../statestore.ts";

/** A layer of {@link Activation}: it knows the actor's state as bytes, and what those above do with its commits. */
export abstract class CommitPipeline extends AdmittedMailbox {
  abstract readonly id: ActorId;
  abstract readonly definition: ActorDefinition;
  protected abstract readonly writer: CommitWriter;

  /** State and tags after the last successful action, committed or not. */
  bytes: StateBytes | undefined;
  tags: Tags | undefined;
  #durableBytes: StateBytes | undefined;
  #durableTags: Tags | undefined;
  #handle: StoreHandle | undefined;
  #etag: Etag | undefined;
  #revision = 0;
  #keptAt: number | undefined;
  #inFlight: Batch | undefined;
  /**
   * When the oldest change was made that the next commit stores (monotonic, whole milliseconds);
   * `undefined` while there is none.
   */
  #changedAt: number | undefined;
  /** What else it does than to store the state: acknowledged changes need no more, and wait the longest. */
  #next: Batch | undefined;
  #isEnlisted = false;
  /** Until when it rests, after a large commit or a failed flush (monotonic, whole milliseconds); 0 at first. */
  #restsUntil = 0;
  #index: WrittenIndex | undefined;

  /** A commit is done: there is room again, and perhaps nothing left to wait for. */
  protected abstract afterCommit(isDelete: boolean): void;

  /** The state is that of the last durable commit again; these invocations have to run again. */
  protected abstract rolledBack(again: readonly Invocation[], cause: SpawnError): void;

  /**
   * Another incarnation has committed: start again from the stored row with these invocations.
   * `revision` is the stored one, 0 without a row; `undefined` when it could not be learnt.
   */
  protected abstract fenced(again: readonly Invocation[], revision: number | undefined): void;

  /** A write of acknowledged changes failed; it has to be tried again. */
  protected abstract flushFailed(): void;

  /** Acknowledged write-behind changes will never be stored. */
  protected abstract tailLost(): void;

  /** Begins at a stored row, or at none, with the state and tags that were made of it. */
  beginAt(
    row: StoredActor | undefined,
    bytes: StateBytes | undefined,
    tags: Tags | undefined,
  ): void {
    this.#handle = row?.handle;
    this.#etag = row?.etag;
    this.#revision = row?.revision ?? 0;
    this.#keptAt = keptAtOf(row);
    this.rebase(bytes, tags && Object.freeze(tags));
  }

  /** Takes state and tags as those of the present revision: derived from it again after each load. */
  rebase(bytes: StateBytes | undefined, tags: Tags | undefined): void {
    this.bytes = this.#durableBytes = bytes;
    this.tags = this.#durableTags = tags;
    this.index?.forget();
  }

  /** What the actor is found by, if its definition says so: another one may come while it is alive. */
  get index(): WrittenIndex | undefined {
    this.#index = WrittenIndex.of(this.definition, this.#index);
    return this.#index;
  }

  /** The revision that the present state has, or will have when what is in flight is committed. */
  get revision(): number {
    return this.#revision + (this.#inFlight === undefined ? 0 : 1);
  }

  /** Whether the statestore may have a row, and stored replies with it. */
  get hasRow(): boolean {
    return this.#etag !== undefined || this.#inFlight !== undefined;
  }

  /** Whether nothing was done since the last durable commit that has to be stored. */
  get isUntouched(): boolean {
    const isSame = this.bytes === this.#durableBytes && this.tags === this.#durableTags;
    return this.#inFlight === undefined && isSame && beginsTimersAtMost(this.#next);
  }

  get isQuiet(): boolean {
    return this.#inFlight === undefined && this.#changedAt === undefined;
  }

  /** Whether another action may run before the commit in flight is done. */
  hasRoom({ speculationMax, speculationUnitsMax }: Limits): boolean {
    const next = this.#next ?? this.#inFlight;
    if (next === undefined) return true;
    const ran =
      this.#inFlight === next ? next.entries.length - next.sealedLength : next.entries.length;
    return ran < speculationMax && next.units < speculationUnitsMax;
  }

  /** Adds what an action changed to the next commit; the reply leaves with it. */
  addChange({ invocation, reply, units, change, now }: DurableChange): void {
    const next = this.#grow(change, now);
    invocation.isChange = true;
    invocation.continuesAs = change.step;
    invocation.handOver(reply);
    addEntry(next, invocation);
    next.units += units;
    this.enlist();
  }

  /** Adds messages that no action sent; `gate` hears whether they were committed. */
  addMessages(sends: readonly Outgoing[], now: number, gate: Gate): void {
    const none = { isDelete: false, stored: undefined, message: undefined, step: undefined };
    const { bytes, tags } = this;
    const next = this.#grow({ bytes, tags, sends, cancels: NO_IDS, ...none }, now);
    (next.gates ??= []).push(gate);
    this.enlist();
  }

  /** Adds a change that is acknowledged already, at `now`, and is committed a while later. */
  addAcknowledged(change: Change, now: number): void {
    if (this.#next === undefined && isStateAlone(change)) return this.#become(change, now);
    if (isUrgent(this.#grow(change, now))) this.enlist();
  }

  /** Lets a reply leave that changed nothing, after the commit of all that it saw. */
  addRead(invocation: Invocation, reply: unknown, units: number): void {
    const seen = this.#next ?? this.#inFlight;
    if (seen === undefined || this.isWriteBehind) return invocation.succeed(reply);
    invocation.handOver(reply);
    addEntry(seen, invocation);
    seen.units += units;
    this.enlist();
  }

  /** The reply of an earlier invocation with this idempotency key that is not committed yet. */
  findUncommitted(key: string): StoredReply | undefined {
    return this.#next?.stored?.get(key) ?? this.#inFlight?.stored?.get(key);
  }

  /**
   * Whether an action before it has cancelled the message that the invocation delivers. Then it does not
   * run, and learns that the message is gone when that is committed.
   */
  skips(invocation: Invocation): boolean {
    const message = invocation.details?.message;
    if (message === undefined) return false;
    if (!isCancelled(message, this.#next) && !isCancelled(message, this.#inFlight)) return false;
    invocation.refusal = messageGone();
    this.addRead(invocation, undefined, 0);
    return true;
  }

  /** Resolves when everything so far is committed; rejects when it never will be. */
  whenCommitted(): Promise<void> | undefined {
    const last = this.#next ?? this.#inFlight;
    return last === undefined || this.isWriteBehind ? undefined : whenCommitted(last);
  }

  /** Asks for the next commit to be written as soon as there is a way to the statestore, and it need not rest. */
  enlist(): void {
    if (!this.#isResting) this.enlistAtOnce();
  }

  /** As {@link enlist}, and does not rest. */
  enlistAtOnce(): void {
    if (!this.#isWaiting) return;
    this.#isEnlisted = true;
    this.writer.enlist(this);
  }

  /** Whether there is something to commit that the writer does not know of. */
  get #isWaiting(): boolean {
    return this.#changedAt !== undefined && !this.#isEnlisted && this.#inFlight === undefined;
  }

  /** Whether the next commit has to wait and can. */
  get #isResting(): boolean {
    if (this.#restsUntil === 0 || !this.#isWaiting) return false;
    const now = this.writer.now();
    return this.#restsUntil > now && mayWait(this.#next, this.#restsUntil - now, now);
  }

  /** When the oldest acknowledged change that is not stored yet was made; `undefined` if all are. */
  get oldestUnstored(): number | undefined {
    return this.isWriteBehind ? (this.#inFlight?.since ?? this.#changedAt) : undefined;
  }

  /** When the next commit has to be enlisted; `Infinity` if there is none or it is. */
  get enlistDueAt(): number {
    if (!this.#isWaiting) return Infinity;
    const delayMs = this.#isUrgent ? 0 : this.definition.snapshotTimeoutMs;
    return Math.max(this.#changedAt! + delayMs, this.#restsUntil);
  }

  /** All invocations whose replies wait for a commit. */
  *uncommitted(): Iterable<Invocation> {
    if (this.#inFlight !== undefined) yield* this.#inFlight.entries;
    if (this.#next !== undefined) yield* this.#next.entries;
  }

  // What follows is called by the writer.

  /** Whether what it commits is acknowledged already. */
  get isWriteBehind(): boolean {
    return this.definition.durability === "write-behind";
  }

  /** The idempotency keys of the commit in flight. */
  get keysInFlight(): readonly string[] {
    return [...(this.#inFlight?.stored?.keys() ?? [])];
  }

  /** The messages that the commit in flight consumes. */
  get messagesInFlight(): readonly string[] {
    return this.#inFlight?.messages?.consumes.map(({ id }) => id) ?? NO_IDS;
  }

  /** About how much the next commit has to write, in UTF-16 units. */
  get unitsToWrite(): number {
    return (this.bytes?.length ?? 0) + (this.#next?.messages?.units ?? 0);
  }

  /** Closes the growing commit: from now on its outcome is the statestore's. */
  seal(etag: Etag, at: number): Commit {
    const batch = this.#next ?? newBatch();
    sealState(batch, { etag, since: this.#changedAt!, bytes: this.bytes, tags: this.tags });
    this.#next = undefined;
    this.#changedAt = undefined;
    this.#isEnlisted = false;
    this.#inFlight = batch;
    this.#restsUntil = this.writer.restsUntil(batch, this.definition);
    const hasBefore = this.#etag !== undefined && !batch.isDelete;
    const before = { keptAt: this.#keptAt, isUnread: this.#durableBytes === undefined };
    batch.keptAt = hasBefore && isRevisionDue(this.definition, at, before) ? at : undefined;
    sealMessages(batch, { source: this.id, at, outbox: this.writer.outbox });
    return commitOf(batch, this.definition, {
      actor: this.id,
      handle: this.#handle,
      previous: this.#etag,
      revision: this.#revision + 1,
      at,
      index: batch.isDelete ? undefined : this.index?.seal(this.bytes),
    });
  }

  /** The commit in flight is in the statestore. */
  committed(handle: StoreHandle): void {
    const batch = this.#settle();
    this.#handle = handle;
    this.#etag = batch.etag;
    this.#revision++;
    this.#keptAt = batch.keptAt ?? (this.#keptAt === NOT_TO_KEEP ? undefined : this.#keptAt);
    this.#durableBytes = batch.bytes;
    this.#durableTags = batch.tags;
    this.index?.committed();
    answerAll(batch, this.writer.outbox);
    openGates(batch, true);
    if (batch.messages !== undefined) this.#send(batch.messages);
    if (this.#isUrgent) this.enlist();
    this.afterCommit(batch.isDelete);
  }

  /** The commit in flight is certainly not in the statestore, nor will it ever be. */
  notApplied(cause: SpawnError): void {
    const batch = this.#settle();
    if (this.isWriteBehind) {
      if (cause.code !== "PAYLOAD_TOO_LARGE") return this.#mergeBack(batch);
      // Nothing on top of what can never be stored can be stored either.
      this.tailLost();
    }
    const again = failChanges(batch, cause);
    openGates(batch, false);
    const onTop = this.#discardNext();
    this.bytes = this.#durableBytes;
    this.tags = this.#durableTags;
    this.index?.rolledBack();
    this.rolledBack(takeBack([...again, ...onTop]), cause);
  }

  /** The outcome of the commit in flight could not be learnt in time. */
  unknown(cause: SpawnError): void {
    const batch = this.#settle();
    const reads = failChanges(batch, cause);
    this.#mayHaveSent(batch);
    this.#startAgain(batch, reads, undefined);
  }

  /**
   * The statestore refused the commit in flight: its condition did not hold. `answer` is what the
   * statestore has now, and only that says what became of the commit, because the answer can be to
   * the second of two requests: it is the row's etag, or the one that the present owner took over
   * from, or the present owner took over from the commit before it, and so it can never apply.
   */
  refused(answer: StoreAnswer | undefined): void {
    const batch = this.#inFlight!;
    const row = answer?.row;
    if (row !== undefined && row.etag === batch.etag) return this.committed(row.handle);
    this.#settle();
    if (row !== undefined && row.baseEtag === batch.etag) {
      answerAll(batch, this.writer.outbox);
      openGates(batch, true);
      this.#mayHaveSent(batch);
      return this.#startAgain({ ...batch, entries: [], gates: undefined }, [], answer);
    }
    const isOurs = answer !== undefined && row?.etag === this.#etag;
    if (this.isWriteBehind && isOurs && consumesLess(batch, answer)) return this.#mergeBack(batch);
    const isOvertaken =
      row !== undefined && row.baseEtag === this.#etag && row.owner !== this.writer.owner;
    const isCertain = answer !== undefined && (row?.etag === this.#etag || isOvertaken);
    if (!isCertain) this.#mayHaveSent(batch);
    const again = isCertain ? batch.entries : failChanges(batch, outcomeLost());
    this.#startAgain(batch, again, answer);
  }

  /** Whether the next commit is not one of acknowledged changes, which wait until they are due. */
  get #isUrgent(): boolean {
    return !this.isWriteBehind || (this.#next !== undefined && isUrgent(this.#next));
  }

  /** State and tags are others, since `now` if they were stored before. */
  #become({ bytes, tags, index }: Change, now: number): void {
    this.bytes = bytes;
    this.tags = tags;
    if (index !== undefined) this.index!.become(index);
    this.#changedAt ??= Math.floor(now);
  }

  #grow(change: Change, now: number): Batch {
    this.#become(change, now);
    const next = (this.#next ??= newBatch());
    addBesideState(next, change);
    return next;
  }

  #send({ sends, stored, direct }: BatchMessages): void {
    const { outbox } = this.writer;
    outbox.committed(stored, direct, this.#revision);
    for (const outgoing of sends) if (!outgoing.isStored) outbox.fire(this.id, outgoing);
  }

  /** Messages of a commit after which others may have committed: they are found in the statestore. */
  #mayHaveSent({ messages }: Batch): void {
    if (messages !== undefined) this.writer.outbox.committed(messages.stored, undefined);
  }

  #settle(): Batch {
    const batch = this.#inFlight!;
    this.#inFlight = undefined;
    if (batch.messages?.direct !== undefined) this.writer.outbox.release(batch.messages.direct);
    return batch;
  }

  #discardNext(): readonly Invocation[] {
    const next = this.#next;
    this.#next = undefined;
    this.#changedAt = undefined;
    if (this.#isEnlisted) {
      this.#isEnlisted = false;
      this.writer.withdraw(this);
    }
    if (next === undefined) return [];
    openGates(next, false);
    return next.entries;
  }

  /** A write-behind flush failed: its changes are still acknowledged, and go with the next one. */
  #mergeBack(batch: Batch): void {
    const next = this.#next;
    this.#changedAt = batch.since;
    if (next === undefined) this.#next = batch;
    else joinBefore(next, batch);
    this.#restsUntil = Math.ceil(this.writer.now() + FLUSH_RETRY_MS);
    this.flushFailed();
  }

  #startAgain(batch: Batch, again: readonly Invocation[], answer: StoreAnswer | undefined): void {
    openGates(batch, false);
    const hadNext = this.#changedAt !== undefined;
    const onTop = this.#discardNext();
    if (this.isWriteBehind && (hadNext || answer?.row?.baseEtag !== batch.etag)) this.tailLost();
    this.fenced(takeBack([...again, ...onTop]), answer && (answer.row?.revision ?? 0));
  }
}

/** How soon a flush that failed is tried again. */
const FLUSH_RETRY_MS = 100;
const NO_IDS: readonly string[] = [];

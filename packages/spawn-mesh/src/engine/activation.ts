/**
 * One live actor: its mailbox, its state, and its way through life.
 *
 *     opening ──► ready ◄──► deleting
 *        ▲          │            │
 *        └──────────┴────────────┘   again from the stored row: fenced, deleted
 *                   └──► gone        idle, or the row cannot be read
 *
 * Actions run one at a time, in the order of the mailbox. After a successful one the state is
 * encoded once; these bytes tell whether it changed, are what is committed, and are what the state
 * goes back to when an action throws. An action that fails or is abandoned has therefore changed
 * nothing, whatever its code still holds in its hands.
 */
import type { ActorDefinition } from "./actor-definition.ts";
import { formatActorId } from "./actor-id.ts";
import type { ActorId } from "./actor-id.ts";
import type { ActorType } from "./actor-type.ts";
import type { Waiting } from "./admission.ts";
import { AdmittedMailbox } from "./admitted-mailbox.ts";
import { CommitPipeline } from "./commit-pipeline.ts";
import type { PipelineOwner } from "./commit-pipeline.ts";
import type { Change } from "./commit-batch.ts";
import { SpawnError } from "./errors.ts";
import { earliestDeadline, giveUpOverdue } from "./invocation.ts";
import type { Invocation } from "./invocation.ts";
import { Execution } from "./execution.ts";
import type { ExecutionOwner } from "./execution.ts";
import { KeyedInvocations, answerStored } from "./keyed-invocations.ts";
import type { KeyedOwner } from "./keyed-invocations.ts";
import { Opening } from "./opening.ts";
import type { OpeningOwner } from "./opening.ts";
import type { Run } from "./run.ts";
import type { Runnable } from "./run-queue.ts";
import type { RunOutcome } from "./run-outcome.ts";
import type { Outgoing } from "./sending.ts";
import { StatelessRuns } from "./stateless-runs.ts";
import { StartingTimers } from "./starting-timers.ts";
import type { Watched } from "./watch.ts";

type Phase = "opening" | "ready" | "deleting" | "gone";

export class Activation
  implements Runnable, Watched, OpeningOwner, PipelineOwner, ExecutionOwner, KeyedOwner
{
  readonly id: ActorId;
  readonly #type: ActorType;
  readonly #mailbox: AdmittedMailbox;
  readonly pipeline: CommitPipeline;
  #phase: Phase = "opening";
  readonly #execution: Execution;
  #keyed: KeyedInvocations | undefined;
  /** What it has when some of its timers are not stored yet. */
  #timers: StartingTimers | undefined;
  /** What an actor without a state has being stored. */
  #stateless: StatelessRuns | undefined;
  #isQueued = false;
  #isWatched = false;
  /** Whole milliseconds, which take no memory of their own. */
  #lastUsedAt: number;
  #flushNotBefore = 0;
  dueAt: number = Infinity;

  constructor(id: ActorId, type: ActorType) {
    this.id = id;
    this.#type = type;
    this.#lastUsedAt = Math.ceil(type.parts.time.last);
    this.#mailbox = new AdmittedMailbox(type.parts.admission);
    this.pipeline = new CommitPipeline(this, type.parts.writer);
    this.#execution = new Execution(this, type.parts);
    this.#open();
  }

  get definition(): ActorDefinition {
    return this.#type.definition;
  }

  get isIdle(): boolean {
    const isWaitedFor = this.#mailbox.length > 0 || this.#execution.running !== undefined;
    return this.#phase === "ready" && !isWaitedFor && this.#timers?.areLate !== true;
  }

  // Invocations come in.

  /** Queues an invocation. @throws {SpawnError} `OVERLOADED` when a queue is full */
  submit(invocation: Invocation): void {
    this.#mailbox.enter(this.id, this.waiting, invocation);
    this.#accept(invocation);
  }

  /** Whether an asynchronous action is under way, for which the others wait. */
  get isRunning(): boolean {
    return this.#execution.running !== undefined;
  }

  /** Lets go of what would run next, for another activation to take with {@link comesAgain}. */
  giveAway(): Invocation | undefined {
    return this.#mailbox.shift();
  }

  comesAgain(invocation: Invocation): void {
    if (invocation.isOver) {
      this.#mailbox.leave();
      invocation.end();
    } else {
      this.#accept(invocation);
    }
  }

  /** Takes an invocation that was let in. */
  #accept(invocation: Invocation): void {
    this.#isDueBy(invocation.deadlineAt);
    if (this.#isOnce(invocation) && !this.#admitKeyed(invocation)) {
      return this.#watch();
    }
    this.#mailbox.push(invocation);
    if (this.#phase === "ready" && this.#execution.running === undefined) this.#queue();
    else this.#watch();
  }

  /** What waits here and counts towards the limits. */
  get waiting(): Waiting {
    if (this.#keyed === undefined) return this.#mailbox;
    const { length, units } = this.#mailbox;
    const { asideCount, asideUnits } = this.#keyed;
    return { length: length + asideCount, units: units + asideUnits };
  }

  #admitKeyed(invocation: Invocation): boolean {
    const { loader, outbox } = this.#type.parts;
    this.#keyed ??= new KeyedInvocations(this, loader, outbox.follow);
    if (!this.#keyed.admit(invocation)) return false;
    const hasMessage = invocation.details!.message !== undefined;
    if (hasMessage && this.pipeline.isWriteBehind) invocation.isNew = false;
    if (invocation.isNew || this.#isAcknowledged(invocation)) return true;
    // An actor without a row has no stored replies either.
    if (this.#phase === "ready" && !this.pipeline.hasRow && !hasMessage) invocation.isNew = true;
    else if (this.#phase === "ready" || !hasMessage) this.#keyed.lookUp(invocation);
    return true;
  }

  lookedUp(): void {
    if (this.#phase === "ready") this.#queue();
  }

  // Coming to life.

  #open(): void {
    this.#execution.state.forget();
    this.#phase = "opening";
    new Opening(this, this.#type.parts).begin();
  }

  get isOpening(): boolean {
    return this.#phase === "opening";
  }

  writeState(state: unknown): void {
    this.#execution.state.write(state);
  }

  runInit(init: Invocation): void {
    this.#isDueBy(init.deadlineAt);
    this.#watch();
    this.#execution.run(init);
  }

  opened(timers: readonly Outgoing[]): void {
    this.#phase = "ready";
    this.#timers =
      timers.length === 0
        ? undefined
        : new StartingTimers(timers, this.pipeline, this.#type.parts.clock);
    this.#type.parts.emit({ type: "activated", actor: this.id });
    this.#queue();
  }

  /** The actor cannot come to life: all that wait are told, and the next call tries again. */
  openingFailed(error: SpawnError): void {
    this.leave();
    this.evict(error);
  }

  // Running.

  #queue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#type.parts.runQueue.push(this);
  }

  turn(actionsMax: number): number {
    this.#isQueued = false;
    const { parts } = this.#type;
    let ran = 0;
    while (this.#mayRun() && ran < actionsMax) {
      const invocation = this.#mailbox.shift()!;
      this.#mailbox.leave();
      if (!invocation.isOver && invocation.deadlineAt <= parts.time.last) {
        invocation.giveUp(
          "DEADLINE_EXCEEDED",
          `${formatActorId(this.id)} did not come to ${invocation.action.name} in time`,
        );
      }
      if (invocation.isOver) invocation.end();
      else if (!this.pipeline.skips(invocation)) this.#run(invocation);
      ran++;
    }
    if (ran > 0) this.#lastUsedAt = Math.ceil(parts.time.last);
    if (ran === actionsMax && this.#mayRun()) this.#queue();
    this.#rest();
    return ran;
  }

  #run(invocation: Invocation): void {
    this.#timers?.go();
    this.#execution.run(invocation);
  }

  #mayRun(): boolean {
    if (this.#phase !== "ready" || this.#execution.running !== undefined) return false;
    const { first } = this.#mailbox;
    const { limits } = this.#type.parts;
    if (first === undefined || !this.pipeline.hasRoom(limits)) return false;
    if (this.#stateless?.hasRoom === false) return false;
    return !this.#isOnce(first) || this.#isKeyReady(first);
  }

  /** Whether it must not run twice. An actor without a state has nothing that could tell. */
  #isOnce({ onceKey }: Invocation): boolean {
    return onceKey !== undefined && this.definition.state !== undefined;
  }

  /** Whether an invocation with a key or a message need not run, or is known to be new. */
  #isKeyReady(invocation: Invocation): boolean {
    if (invocation.isOver || this.#isAcknowledged(invocation)) return true;
    if (invocation.isNew) return true;
    this.#keyed!.lookUp(invocation);
    return false;
  }

  /**
   * Answers what a write-behind actor acknowledged before and has not committed yet. It has to be
   * asked before the statestore is: a lookup that began before the commit may end after it.
   */
  #isAcknowledged(invocation: Invocation): boolean {
    const key = invocation.details!.idempotencyKey;
    if (key === undefined || this.definition.durability !== "write-behind") return false;
    const stored = this.pipeline.findUncommitted(key);
    if (stored !== undefined) answerStored(invocation, stored, this.#type.parts.outbox.follow);
    return stored !== undefined;
  }

  succeeded(run: Run, { reply, units, change }: RunOutcome, now: number): void {
    const { invocation } = run;
    if (this.#phase === "opening") {
      // What `init` changed is derived anew after each load, so it counts as stored.
      if (change !== undefined) this.pipeline.rebase(change.bytes, change.tags);
      invocation.succeed(undefined);
    } else if (change === undefined) {
      this.pipeline.addRead(invocation, reply, units);
    } else if (this.definition.state === undefined) {
      this.#stateless ??= new StatelessRuns(this.id, this.#type.parts);
      this.#stateless.finish({ invocation, reply, units, change, now }, () => this.resumed());
    } else if (this.#isAcknowledgedAtOnce(run, change)) {
      this.pipeline.addAcknowledged(change, now);
      invocation.succeed(reply);
    } else {
      if (run.isDelete) this.#phase = "deleting";
      this.pipeline.addChange({ invocation, reply, units, change, now });
    }
  }

  /** Whether the caller of a write-behind actor is answered before the change is stored. */
  #isAcknowledgedAtOnce({ isDelete, isCheckpoint }: Run, { message, step }: Change): boolean {
    const hasToWait = isDelete || isCheckpoint || message !== undefined || step !== undefined;
    return this.pipeline.isWriteBehind && !hasToWait;
  }

  stepFailed(invocation: Invocation, change: Change, now: number): void {
    this.pipeline.addChange({ invocation, reply: undefined, units: 0, change, now });
  }

  resumed(): void {
    this.#lastUsedAt = Math.ceil(this.#type.parts.time.now());
    if (this.#phase === "ready") this.#queue();
  }

  // What commits bring.

  committed(isDelete: boolean): void {
    if (isDelete) this.#forgetLookups();
    if (isDelete) return this.#open();
    if (this.#mailbox.length > 0) this.#queue();
    this.#rest();
  }

  rolledBack(again: readonly Invocation[], cause: SpawnError): void {
    this.#execution.abandon(cause);
    this.#execution.state.forget();
    if (this.#phase === "deleting") this.#phase = "ready";
    this.#mailbox.putBack(again);
    this.#queue();
  }

  fenced(again: readonly Invocation[], revision: number | undefined): void {
    const { emit } = this.#type.parts;
    const known = this.pipeline.revision;
    emit({ type: "fenced", actor: this.id });
    if (revision !== undefined && revision < known)
      emit({ type: "store-rollback", actor: this.id, known, stored: revision });
    this.#execution.abandon(
      new SpawnError(
        "STATESTORE_UNAVAILABLE",
        "another process has changed the actor; repeat the call",
      ),
    );
    this.#forgetLookups();
    this.#mailbox.putBack(again);
    this.#open();
  }

  /** What was learnt of keys and messages is about rows that have changed since: others did, or a delete took timers along. */
  #forgetLookups(): void {
    for (const invocation of this.#mailbox.all()) invocation.isNew = false;
    this.#keyed?.forgetLookups();
  }

  flushFailed(): void {
    this.#flushNotBefore = this.#type.parts.clock.monotonic() + FLUSH_RETRY_MS;
    this.#rest();
  }

  tailLost(): void {
    this.#type.parts.emit({ type: "write-behind-lost", actor: this.id });
  }

  // Callers give up and time passes.

  /** The caller of `invocation` gave up: its action need not run, or may stop. */
  callerGaveUp(invocation: Invocation): void {
    if (this.#execution.running === invocation)
      this.#execution.abort(new SpawnError("CANCELLED", "the caller gave up"));
    else this.#mailbox.sweep();
  }

  onDue(now: number): void {
    this.#expireCallers(now);
    this.#execution.expire(now);
    if (this.#flushAt <= now) this.pipeline.enlist();
    if (this.#phase === "ready") this.#timers?.goAgain(now);
    this.dueAt = this.#nextDue(now);
    this.#rest();
  }

  #expireCallers(now: number): void {
    giveUpOverdue(this.#waitingCallers(), now, this.id);
    this.#mailbox.sweep();
  }

  /** All whose callers may run out of time. */
  *#waitingCallers(): Iterable<Invocation> {
    yield* this.#mailbox.all();
    if (this.#execution.running !== undefined) yield this.#execution.running;
    yield* this.pipeline.waiting();
    if (this.#keyed !== undefined) yield* this.#keyed.aside();
  }

  #nextDue(now: number): number {
    const callersAt = earliestDeadline(this.#waitingCallers());
    return Math.min(callersAt, this.#flushAt, this.#timersAt, this.#execution.dueAt(now));
  }

  /** When a write-behind state has to be written; a while after a failure. */
  get #flushAt(): number {
    return Math.max(this.pipeline.flushDueAt, this.#flushNotBefore);
  }

  /** When timers go again whose commit failed. */
  get #timersAt(): number {
    return this.#timers?.againAt ?? Infinity;
  }

  #isDueBy(time: number): void {
    if (time >= this.dueAt) return;
    this.dueAt = time;
    if (this.#isWatched) this.#type.parts.watch.sooner(time);
  }

  #watch(): void {
    // A write that ends after the system did has nobody to tell, and is not tried again.
    if (this.#isWatched || this.#phase === "gone") return;
    this.#isWatched = true;
    this.#type.parts.watch.add(this);
  }

  /** Watched while there is something to wait for, and not a moment longer. */
  #rest(): void {
    this.#isDueBy(Math.min(this.#flushAt, this.#timersAt));
    if (!this.isIdle || !this.pipeline.isQuiet) return this.#watch();
    this.dueAt = Infinity;
    if (!this.#isWatched) return;
    this.#isWatched = false;
    this.#type.parts.watch.delete(this);
  }

  // Leaving memory.

  /** Leaves memory if nothing happened for as long as the definition says; a write-behind state is written first. */
  leaveIfIdle(now: number): void {
    if (!this.isIdle || now - this.#lastUsedAt < this.definition.deactivateTimeoutMs) return;
    if (this.pipeline.isQuiet) this.leave();
    else this.pipeline.enlist();
  }

  /** Leaves memory if there is nothing to do and nothing to write. */
  leaveIfQuiet(): void {
    if (this.isIdle && this.pipeline.isQuiet) this.leave();
  }

  /** Leaves memory now; what is not committed is lost. */
  leave(): void {
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    if (this.#isWatched) this.#type.parts.watch.delete(this);
    this.#isWatched = false;
    this.#type.remove(this);
    this.#type.parts.emit({ type: "deactivated", actor: this.id });
  }

  /** Writes a write-behind state without waiting until it is due. */
  flush(): void {
    this.pipeline.enlist();
  }

  /**
   * The system has stopped: whoever still waits for a commit will not learn of it here, and what is
   * acknowledged and not written is lost, as far as anybody can know.
   */
  forsake(reason: string): void {
    for (const invocation of this.#waitingCallers()) invocation.giveUp("SHUTTING_DOWN", reason);
    if (this.pipeline.oldestUnstored !== undefined) this.tailLost();
  }

  /** The process is as good as dead: nothing more happens here, and nobody is told the truth. */
  crash(): void {
    const error = new SpawnError("UNKNOWN_OUTCOME", "the process crashed", { applied: "unknown" });
    this.#execution.abandon(error);
    this.leave();
    // Failing one may let others come again, so all are listed first.
    const waiting = [...this.#waitingCallers()];
    for (const invocation of waiting) invocation.fail(error);
  }

  /** Refuses what has not run, and abandons what runs. */
  evict(error: SpawnError): void {
    this.#execution.abandon(error);
    for (const invocation of [...(this.#keyed?.aside() ?? []), ...this.#mailbox.empty()]) {
      const applied = invocation.appliedBefore;
      invocation.fail(new SpawnError(error.code, messageOf(error), { applied, cause: error }));
    }
    if (this.#phase !== "gone") this.#rest();
  }
}

/** How soon a write that failed is tried again. */
const FLUSH_RETRY_MS = 100;

/** The text of an error without its code, to be put behind another. */
function messageOf(error: SpawnError): string {
  return error.message.replace(`[${error.code}] `, "");
}

/**
 * One live actor: its mailbox, its state, and its way through life.
 *
 *     opening ──► ready ◄──► replacing
 *        ▲ └──► broken ────────►┘│     it cannot come to life: runs only what replaces what is stored
 *        └──────────┴────────────┘     again from the stored row: fenced, deleted, replaced
 *                   └──► gone          idle, or nobody waits for what is broken
 *
 * Actions run one at a time, in the order of the mailbox. After a successful one the state is
 * encoded once; these bytes tell whether it changed, are what is committed, and are what the state
 * goes back to when an action throws. An action that fails or is abandoned has therefore changed
 * nothing, whatever its code still holds in its hands.
 *
 * There may be millions, called at random, and then the time of a call is that of reaching memory. So
 * an activation is one object, and what it consists of are the classes that it extends, one upon the
 * other: its mailbox, its commits, its state, the running of its actions. Each knows those below it, and
 * of those above only the abstract methods that it calls.
 */
import { actorIdOf } from "../actor-definition.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import { formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import type { ActorType, EngineParts } from "./actor-type.ts";
import type { Waiting } from "../calls/admission.ts";
import type { CommitWriter } from "../commits/commit-writer.ts";
import type { Change } from "../commits/commit-batch.ts";
import { SpawnError } from "../errors.ts";
import { earliestDeadline, giveUpOverdue } from "../calls/invocation.ts";
import type { Invocation } from "../calls/invocation.ts";
import { KeyedInvocations, answerStored } from "../calls/keyed-invocations.ts";
import type { KeyedOwner } from "../calls/keyed-invocations.ts";
import { Opening } from "./opening.ts";
import type { OpeningOwner } from "./opening.ts";
import type { Run } from "./run.ts";
import type { Runnable } from "./run-queue.ts";
import { hasToWait } from "./run-outcome.ts";
import type { RunOutcome } from "./run-outcome.ts";
import type { Outgoing } from "../messages/sending.ts";
import { StatelessRuns } from "./stateless-runs.ts";
import { StartingTimers } from "../messages/starting-timers.ts";
import { WatchedExecution } from "./watched-execution.ts";

type Phase = "opening" | "ready" | "broken" | "replacing" | "gone";

export class Activation extends WatchedExecution implements Runnable, OpeningOwner, KeyedOwner {
  readonly name: string;
  readonly #type: ActorType;
  #phase: Phase = "opening";
  /** Why it cannot come to life, since it was opened last. */
  #broken: SpawnError | undefined;
  #keyed: KeyedInvocations | undefined;
  /** What it has when some of its timers are not stored yet. */
  #timers: StartingTimers | undefined;
  /** What an actor without a state has being stored. */
  #stateless: StatelessRuns | undefined;
  #isQueued = false;
  /** Whole milliseconds, which take no memory of their own. */
  #lastUsedAt: number;

  constructor(name: string, type: ActorType) {
    super();
    this.name = name;
    this.#type = type;
    this.#lastUsedAt = Math.ceil(type.parts.time.last);
    this.#open();
  }

  /** Made anew whenever somebody asks: an idle actor needs its name only. */
  get id(): ActorId {
    return actorIdOf(this.parts.system, this.definition, this.name);
  }

  get definition(): ActorDefinition {
    return this.#type.definition;
  }

  get parts(): EngineParts {
    return this.#type.parts;
  }

  protected get writer(): CommitWriter {
    return this.parts.writer;
  }

  get isIdle(): boolean {
    const isWaitedFor = this.queueLength > 0 || this.running !== undefined;
    return this.#phase === "ready" && !isWaitedFor && this.#timers?.areLate !== true;
  }

  // Invocations come in.

  /** Queues an invocation. @throws {SpawnError} `OVERLOADED` when a queue is full, or too slow for it */
  submit(invocation: Invocation): void {
    const { admission, time } = this.parts;
    admission.checkPatience(this, invocation, time.last);
    admission.enter(this.waiting, invocation);
    this.#accept(invocation);
  }

  /** Whether an asynchronous action is under way, for which the others wait. */
  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Lets go of what would run next, for another activation to take with {@link comesAgain}. */
  giveAway(): Invocation | undefined {
    this.parts.admission.interrupted(this);
    return this.dequeue();
  }

  comesAgain(invocation: Invocation): void {
    if (invocation.isOver) {
      this.parts.admission.leave(1);
      invocation.end();
    } else {
      this.#accept(invocation);
    }
  }

  /** Takes an invocation that was let in. */
  #accept(invocation: Invocation): void {
    this.isDueBy(invocation.deadlineAt);
    if (this.#isOnce(invocation) && !this.#admitKeyed(invocation)) {
      return this.watch();
    }
    this.enqueue(invocation);
    if (this.#isOpen && this.running === undefined) this.#queue();
    else this.watch();
  }

  /** Whether it takes what waits in its turn, be it to refuse it. */
  get #isOpen(): boolean {
    return this.#phase === "ready" || this.#phase === "broken";
  }

  /** What waits here and counts towards the limits. */
  get waiting(): Waiting {
    return this.#keyed?.countWith(this) ?? this;
  }

  #admitKeyed(invocation: Invocation): boolean {
    const { loader, outbox } = this.parts;
    this.#keyed ??= new KeyedInvocations(this, loader, outbox.follow);
    if (!this.#keyed.admit(invocation)) return false;
    const hasMessage = invocation.details!.message !== undefined;
    if (hasMessage && this.isWriteBehind) invocation.isNew = false;
    if (invocation.isNew || this.#isAcknowledged(invocation)) return true;
    // An actor without a row has no stored replies either.
    if (this.#phase === "ready" && !this.hasRow && !hasMessage) invocation.isNew = true;
    else if (this.#phase === "ready" || !hasMessage) this.#keyed.lookUp(invocation);
    return true;
  }

  lookedUp(): void {
    if (this.#isOpen) this.#queue();
  }

  // Coming to life.

  #open(): void {
    // What it committed last was still on its way when the system ended.
    if (this.#phase === "gone") return;
    this.forgetState();
    this.parts.admission.interrupted(this);
    this.#phase = "opening";
    this.#broken = undefined;
    // Which of them are missing is looked up again.
    this.#timers = undefined;
    new Opening(this, this.parts).begin();
  }

  get isOpening(): boolean {
    return this.#phase === "opening";
  }

  runInit(init: Invocation): void {
    this.isDueBy(init.deadlineAt);
    this.watch();
    this.execute(init);
  }

  opened(timers: readonly Outgoing[]): void {
    this.#phase = "ready";
    this.#timers =
      timers.length === 0 ? undefined : new StartingTimers(timers, this, this.parts.clock);
    this.parts.emit({ type: "activated", actor: this.id });
    this.#queue();
  }

  /** The actor cannot come to life: all that wait are told, and the next call tries again. */
  openingFailed(error: SpawnError): void {
    this.leave();
    this.evict(error);
  }

  /**
   * There is a row, and the actor cannot come to life with it. What waits is refused in its turn, but for
   * what replaces all that is stored; then it leaves, and the next call tries again.
   */
  openedBroken(error: SpawnError): void {
    this.#phase = "broken";
    this.#broken = error;
    this.#queue();
  }

  // Running.

  #queue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.parts.runQueue.push(this);
  }

  turn(actionsMax: number): number {
    this.#isQueued = false;
    const { parts } = this;
    let ran = 0;
    while (this.#mayRun() && ran < actionsMax) {
      const invocation = this.dequeue()!;
      parts.admission.leave(1);
      if (!invocation.isOver && invocation.deadlineAt <= parts.time.last) {
        invocation.giveUp(
          "DEADLINE_EXCEEDED",
          `${formatActorId(this.id)} did not come to ${invocation.action.name} in time`,
        );
      }
      if (invocation.isOver) invocation.end();
      else if (!this.skips(invocation)) this.#run(invocation);
      ran++;
    }
    if (ran > 0) this.#lastUsedAt = Math.ceil(parts.time.last);
    parts.admission.moved(this, ran, parts.time.last);
    if (ran === actionsMax && this.#mayRun()) this.#queue();
    this.#rest();
    return ran;
  }

  #run(invocation: Invocation): void {
    if (this.#isRefused(invocation)) return invocation.refuse(this.#broken!);
    this.#timers?.go();
    this.execute(invocation);
  }

  #mayRun(): boolean {
    if (!this.#isOpen || this.running !== undefined) return false;
    const first = this.firstQueued;
    if (first === undefined || !this.hasRoom(this.limits)) return false;
    if (this.#isRefused(first)) return true;
    if (this.#stateless?.hasRoom === false) return false;
    return !this.#isOnce(first) || this.#isKeyReady(first);
  }

  /** Whether it needs the state, which cannot be had. */
  #isRefused({ action }: Invocation): boolean {
    return this.#broken !== undefined && action.isReplacement !== true;
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
    const stored = this.findUncommitted(key);
    if (stored !== undefined) answerStored(invocation, stored, this.parts.outbox.follow);
    return stored !== undefined;
  }

  protected succeeded(run: Run, { reply, units, change }: RunOutcome, now: number): void {
    const { invocation } = run;
    if (this.#phase === "opening") {
      // What `init` changed is derived anew after each load, so it counts as stored.
      if (change !== undefined) this.rebase(change.bytes, change.tags);
      invocation.succeed(undefined);
    } else if (change === undefined) {
      this.addRead(invocation, reply, units);
    } else if (this.definition.state === undefined) {
      this.#stateless ??= new StatelessRuns(this.id, this.parts);
      this.#stateless.finish({ invocation, reply, units, change, now }, () => this.resumed());
    } else if (this.#isAcknowledgedAtOnce(run, change)) {
      this.addAcknowledged(change, now);
      invocation.succeed(reply);
    } else {
      if (run.isDelete || this.#broken !== undefined) this.#phase = "replacing";
      this.addChange({ invocation, reply, units, change, now });
    }
  }

  /** Whether the caller of a write-behind actor is answered before the change is stored. */
  #isAcknowledgedAtOnce(run: Run, change: Change): boolean {
    return this.isWriteBehind && this.#broken === undefined && !hasToWait(run, change);
  }

  protected stepFailed(invocation: Invocation, change: Change, now: number): void {
    this.addChange({ invocation, reply: undefined, units: 0, change, now });
  }

  protected resumed(): void {
    this.#lastUsedAt = Math.ceil(this.parts.time.now());
    if (this.#isOpen) this.#queue();
  }

  // What commits bring.

  protected afterCommit(isDelete: boolean): void {
    const isReplaced = isDelete || this.#broken !== undefined;
    if (isReplaced) this.#forgetLookups();
    if (isReplaced) return this.#open();
    if (this.queueLength > 0) this.#queue();
    this.#rest();
  }

  protected rolledBack(again: readonly Invocation[], cause: SpawnError): void {
    this.abandonRun(cause);
    this.forgetState();
    this.putBack(again);
    // It had no state before.
    if (this.#broken !== undefined) return this.#open();
    if (this.#phase === "replacing") this.#phase = "ready";
    this.#queue();
  }

  protected fenced(again: readonly Invocation[], revision: number | undefined): void {
    const { id, revision: known } = this;
    const { emit } = this.parts;
    emit({ type: "fenced", actor: id });
    if (revision !== undefined && revision < known)
      emit({ type: "store-rollback", actor: id, known, stored: revision });
    this.#forgetLookups();
    const reason = "another process has changed the actor; repeat the call";
    this.abandonRun(new SpawnError("STATESTORE_UNAVAILABLE", reason));
    this.putBack(again);
    this.#open();
  }

  /** What was learnt of keys and messages is about rows that have changed since: others did, or a delete took timers along. */
  #forgetLookups(): void {
    for (const invocation of this.#waitingCallers()) invocation.isNew = false;
    this.#keyed?.forgetLookups();
  }

  protected flushFailed(): void {
    this.#rest();
  }

  protected tailLost(): void {
    this.parts.emit({ type: "write-behind-lost", actor: this.id });
  }

  // Callers give up and time passes.

  /** The caller of `invocation` gave up: its action need not run, or may stop. */
  callerGaveUp(invocation: Invocation): void {
    if (this.running === invocation)
      this.abortRun(new SpawnError("CANCELLED", "the caller gave up"));
    else this.sweepQueue();
  }

  onDue(now: number): void {
    giveUpOverdue(this.#waitingCallers(), now, this.id);
    this.sweepQueue();
    this.expireRun(now);
    if (this.enlistDueAt <= now) this.enlist();
    if (this.#phase === "ready") this.#timers?.goAgain(now);
    this.becomeDueAt(this.#nextDue(now));
    this.#rest();
  }

  /** All whose callers may run out of time. */
  *#waitingCallers(): Iterable<Invocation> {
    yield* this.queued();
    if (this.running !== undefined) yield this.running;
    yield* this.uncommitted();
    if (this.#keyed !== undefined) yield* this.#keyed.aside();
  }

  #nextDue(now: number): number {
    const callersAt = earliestDeadline(this.#waitingCallers());
    return Math.min(callersAt, this.enlistDueAt, this.#timersAt, this.runDueAt(now));
  }

  /** When timers go again whose commit failed. */
  get #timersAt(): number {
    return this.#timers?.againAt ?? Infinity;
  }

  protected override watch(): void {
    // A write that ends after the system did has nobody to tell, and is not tried again.
    if (this.#phase !== "gone") super.watch();
  }

  /** Watched while there is something to wait for, and not a moment longer. */
  #rest(): void {
    if (this.#phase === "broken" && this.#isLeftAlone) return this.leave();
    this.isDueBy(Math.min(this.enlistDueAt, this.#timersAt));
    if (this.isIdle && this.isQuiet) this.unwatch();
    else this.watch();
  }

  /** Whether nobody waits for anything of it. */
  get #isLeftAlone(): boolean {
    return this.waiting.queueLength === 0 && this.running === undefined && this.isQuiet;
  }

  // Leaving memory.

  /** Leaves memory if nothing happened for as long as the definition says; a write-behind state is written first. */
  leaveIfIdle(now: number): void {
    if (!this.isIdle || now - this.#lastUsedAt < this.definition.deactivateTimeoutMs) return;
    if (this.isQuiet) this.leave();
    else this.enlist();
  }

  /** Leaves memory if there is nothing to do and nothing to write. */
  leaveIfQuiet(): void {
    if (this.isIdle && this.isQuiet) this.leave();
  }

  /** Leaves memory now; what is not committed is lost. */
  leave(): void {
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    this.unwatch();
    this.parts.admission.interrupted(this);
    this.#type.remove(this);
    this.parts.emit({ type: "deactivated", actor: this.id });
  }

  /** Writes what is not stored yet without waiting until it is due. */
  flush(): void {
    this.enlistAtOnce();
  }

  /**
   * The system has stopped: whoever still waits for a commit will not learn of it here, and what is
   * acknowledged and not written is lost, as far as anybody can know.
   */
  forsake(reason: string): void {
    for (const invocation of this.#waitingCallers()) invocation.giveUp("SHUTTING_DOWN", reason);
    if (this.oldestUnstored !== undefined) this.tailLost();
  }

  /** The process is as good as dead: nothing more happens here, and nobody is told the truth. */
  crash(): void {
    const error = new SpawnError("UNKNOWN_OUTCOME", "the process crashed", { applied: "unknown" });
    // Failing one may let others come again, so all are listed first.
    const waiting = [...this.#waitingCallers()];
    this.leave();
    for (const invocation of waiting) invocation.fail(error);
    this.abandonRun(error);
  }

  /** Refuses what has not run, and abandons what runs. */
  evict(error: SpawnError): void {
    this.abandonRun(error);
    for (const invocation of [...(this.#keyed?.aside() ?? []), ...this.takeQueued()]) {
      invocation.refuse(error);
    }
    if (this.#phase !== "gone") this.#rest();
  }
}

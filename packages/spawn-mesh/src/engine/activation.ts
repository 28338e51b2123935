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
import { CommitPipeline } from "./commit-pipeline.ts";
import type { PipelineOwner } from "./commit-pipeline.ts";
import { SpawnError, isSpawnError } from "./errors.ts";
import { Invocation } from "./invocation.ts";
import { KeyedInvocations, answerStored } from "./keyed-invocations.ts";
import type { KeyedOwner } from "./keyed-invocations.ts";
import type { LoadWaiter } from "./loader.ts";
import { Mailbox } from "./mailbox.ts";
import { Run } from "./run.ts";
import type { InvokeRequest, RunOwner } from "./run.ts";
import type { Runnable } from "./run-queue.ts";
import { changeOf, failureOf, initError } from "./run-outcome.ts";
import type { StoreAnswer, StoredActor, Tags } from "./statestore.ts";
import { decodeStored } from "./stored-state.ts";
import { encodeValue } from "./values.ts";
import type { Watched } from "./watch.ts";

type Phase = "opening" | "ready" | "deleting" | "gone";

/** For how long `init` may run, in milliseconds. */
const INIT_MS_MAX = 60_000;

export class Activation implements Runnable, Watched, LoadWaiter, PipelineOwner, RunOwner, KeyedOwner {
  readonly id: ActorId;
  readonly #type: ActorType;
  readonly #mailbox = new Mailbox();
  readonly pipeline: CommitPipeline;
  #phase: Phase = "opening";
  #state: unknown;
  /** Whether `#state` is the decoded form of the pipeline's bytes. */
  #isDecoded = false;
  /** The asynchronous run that is going on. */
  #running: Run | undefined;
  #keyed: KeyedInvocations | undefined;
  #isQueued = false;
  #isWatched = false;
  #lastUsedAt: number;
  dueAt = Infinity;

  constructor(id: ActorId, type: ActorType) {
    this.id = id;
    this.#type = type;
    this.#lastUsedAt = type.parts.clock.monotonic();
    this.pipeline = new CommitPipeline(this, type.parts.writer);
    this.#open();
  }

  get definition(): ActorDefinition {
    return this.#type.definition;
  }

  get isIdle(): boolean {
    return this.#mailbox.length === 0 && this.#running === undefined && this.#phase === "ready";
  }

  // Invocations come in.

  /** Queues an invocation. @throws {SpawnError} `OVERLOADED` when a queue is full */
  submit(invocation: Invocation): void {
    this.#checkRoom(invocation);
    if (invocation.details?.idempotencyKey !== undefined && !this.#admitKeyed(invocation)) return;
    this.#type.parts.queued++;
    this.#mailbox.push(invocation);
    this.#lastUsedAt = this.#type.parts.clock.monotonic();
    this.#isDueBy(invocation.deadlineAt);
    if (this.#phase === "ready" && this.#running === undefined) this.#queue();
    else this.#watch();
  }

  #checkRoom(invocation: Invocation): void {
    const { limits, queued } = this.#type.parts;
    const { length, units } = this.#mailbox;
    if (length >= limits.mailboxLengthMax || units + invocation.units > limits.mailboxUnitsMax) {
      throw new SpawnError("OVERLOADED", `${formatActorId(this.id)} has ${length} invocations waiting; try again later`, {
        applied: invocation.appliedBefore,
      });
    }
    if (queued >= limits.queuedMax) {
      throw new SpawnError("OVERLOADED", `the system has ${queued} invocations waiting; try again later`, {
        applied: invocation.appliedBefore,
      });
    }
  }

  #admitKeyed(invocation: Invocation): boolean {
    this.#keyed ??= new KeyedInvocations(this, this.#type.parts.loader);
    if (!this.#keyed.admit(invocation)) {
      this.#isDueBy(invocation.deadlineAt);
      this.#watch();
      return false;
    }
    // An actor without a row has no stored replies either.
    if (this.#phase === "ready" && !this.pipeline.hasRow) invocation.isKeyUnused = true;
    else this.#keyed.lookUp(invocation);
    return true;
  }

  lookedUp(): void {
    if (this.#phase === "ready") this.#queue();
  }

  // Opening: load, decode, init.

  #open(): void {
    this.#isDecoded = false;
    this.#phase = "opening";
    if (this.definition.state === undefined) this.#ready();
    else this.#type.parts.loader.load({ actor: this.id, row: true, keys: [] }, this);
  }

  loaded({ row }: StoreAnswer): void {
    if (this.#phase !== "opening") return;
    try {
      this.#adopt(row);
    } catch (error) {
      return this.#refuse(initError(this.id, error));
    }
    const { init } = this.definition;
    if (init === undefined) return this.#ready();
    const deadlineAt = this.#type.parts.clock.monotonic() + INIT_MS_MAX;
    const action = { name: "init", isRead: false, parse: undefined, run: init };
    const caller = { resolve: () => this.#ready(), reject: (error: SpawnError) => this.#refuse(error) };
    this.#run(new Invocation({ action, payload: undefined, units: 0, deadlineAt, details: undefined }, caller));
    this.#isDueBy(deadlineAt);
    this.#watch();
  }

  loadFailed(error: SpawnError): void {
    if (this.#phase === "opening") this.#refuse(error);
  }

  #adopt(row: StoredActor | undefined): void {
    const definition = this.definition.state!;
    const isNew = row === undefined || row.state === undefined;
    this.#state = isNew ? definition.initial() : decodeStored(definition, row);
    this.#isDecoded = true;
    const isAsStored = !isNew && row.stateVersion === definition.version;
    this.pipeline.open(row, isAsStored ? row.state : encodeValue(this.#state, "state"), row?.tags);
  }

  #ready(): void {
    this.#phase = "ready";
    this.#type.parts.emit({ type: "activated", actor: this.id });
    this.#queue();
  }

  /** The actor cannot come to life: all that wait are told, and the next call tries again. */
  #refuse(error: SpawnError): void {
    this.leave();
    this.#abandon(error);
    for (const invocation of this.#takeMailbox()) {
      invocation.fail(new SpawnError(error.code, messageOf(error), { applied: invocation.appliedBefore, cause: error }));
    }
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
      parts.queued--;
      if (!invocation.isAnswered && invocation.deadlineAt <= parts.clock.monotonic()) {
        invocation.giveUp("DEADLINE_EXCEEDED", `${formatActorId(this.id)} did not come to ${invocation.action.name} in time`);
      }
      if (invocation.isAnswered) invocation.end();
      else this.#run(invocation);
      ran++;
    }
    if (ran === actionsMax && this.#mayRun()) this.#queue();
    this.#rest();
    return ran;
  }

  #mayRun(): boolean {
    if (this.#phase !== "ready" || this.#running !== undefined) return false;
    const { first } = this.#mailbox;
    if (first === undefined || !this.pipeline.hasRoom(this.#type.parts.limits)) return false;
    return first.details?.idempotencyKey === undefined || this.#isKeyReady(first, first.details.idempotencyKey);
  }

  /** Whether an invocation with a key is answered already or known to be new. */
  #isKeyReady(invocation: Invocation, key: string): boolean {
    if (invocation.isAnswered) return true;
    const uncommitted = this.pipeline.findUncommitted(key);
    if (uncommitted !== undefined && this.definition.durability === "write-behind") {
      answerStored(invocation, uncommitted);
      return true;
    }
    if (invocation.isKeyUnused) return true;
    this.#keyed!.lookUp(invocation);
    return false;
  }

  #run(invocation: Invocation): void {
    const run = new Run(this, invocation);
    if (this.definition.isStrict) this.#decodeAfresh();
    const { action, payload } = invocation;
    let input = payload;
    try {
      if (action.parse !== undefined) input = action.parse(payload);
    } catch (refusal) {
      return this.#fail(run, isSpawnError(refusal) ? refusal : failureOf(this.id, action.name, refusal));
    }
    let result: unknown;
    try {
      result = this.#type.parts.host.run(action.run, run, input);
    } catch (thrown) {
      return this.#fail(run, failureOf(this.id, action.name, thrown));
    }
    if (isThenable(result)) this.#runOn(run, result);
    else this.#conclude(run, result);
  }

  /** The action returned a promise: the actor does nothing else until it settles or is abandoned. */
  #runOn(run: Run, result: PromiseLike<unknown>): void {
    this.#running = run;
    const isOver = (): boolean => this.#running !== run;
    result.then(
      (value) => isOver() || this.#resume(() => this.#conclude(run, value)),
      (thrown: unknown) => isOver() || this.#resume(() => this.#fail(run, failureOf(this.id, run.invocation.action.name, thrown))),
    );
  }

  #resume(end: () => void): void {
    this.#running = undefined;
    this.#lastUsedAt = this.#type.parts.clock.monotonic();
    end();
    if (this.#phase === "ready") this.#queue();
  }

  /** The action returned: its result is copied, its state encoded, and both go to the next commit. */
  #conclude(run: Run, result: unknown): void {
    const { invocation } = run;
    const { clock, limits } = this.#type.parts;
    run.revoke();
    const now = clock.monotonic();
    if (invocation.deadlineAt <= now) {
      invocation.giveUp("DEADLINE_EXCEEDED", `${formatActorId(this.id)} took too long for ${invocation.action.name}`);
    }
    if (invocation.isAnswered) return this.#discard(run);
    try {
      const outcome = changeOf(run, result, { state: this.#state, now, wall: clock.wall, pipeline: this.pipeline, definition: this.definition, limits });
      if (this.#phase === "opening") {
        this.pipeline.rebase(outcome.change?.bytes ?? this.pipeline.bytes, outcome.change?.tags ?? this.pipeline.tags);
        invocation.succeed(undefined);
      } else if (outcome.change === undefined) {
        this.pipeline.addRead(invocation, outcome.reply);
      } else if (this.definition.durability === "write-behind" && !run.isDelete) {
        this.pipeline.addAcknowledged(outcome.change, now);
        invocation.succeed(outcome.reply);
      } else {
        if (run.isDelete) this.#phase = "deleting";
        this.pipeline.addChange(invocation, outcome.reply, outcome.units, outcome.change);
      }
    } catch (thrown) {
      // What the engine itself found wrong has its own code; anything else is the action's doing.
      this.#fail(run, isSpawnError(thrown) ? thrown : failureOf(this.id, invocation.action.name, thrown));
    }
  }

  #fail(run: Run, error: SpawnError): void {
    run.revoke();
    if (run.isStateUsed) this.#isDecoded = false;
    run.invocation.fail(error);
  }

  /** Nobody waits for the result any more: it is as if the action had not run. */
  #discard(run: Run): void {
    if (run.isStateUsed) this.#isDecoded = false;
    run.invocation.end();
  }

  /** The run goes on without us: it can change nothing and call nobody any more. */
  #abandon(error: SpawnError): void {
    const run = this.#running;
    if (run === undefined) return;
    this.#running = undefined;
    this.#isDecoded = false;
    run.abort(error);
    run.revoke();
    this.#type.parts.emit({ type: "run-abandoned", actor: this.id, action: run.invocation.action.name });
    run.invocation.fail(error);
  }

  // What runs need.

  get tags(): Tags {
    return this.pipeline.tags ?? NO_TAGS;
  }

  get revision(): number {
    return this.pipeline.revision;
  }

  readState(): unknown {
    if (!this.#isDecoded) this.#decodeAfresh();
    return this.#state;
  }

  writeState(state: unknown): void {
    if (this.definition.state === undefined) {
      throw new SpawnError("INVALID_ARGUMENT", `${formatActorId(this.id)} has no state: its definition does not give one`);
    }
    this.#state = state;
    this.#isDecoded = true;
  }

  wall(): number {
    return this.#type.parts.clock.wall();
  }

  call(run: Run, name: string, request: InvokeRequest): Promise<unknown> {
    return this.#type.parts.callFrom(this, run, name, request);
  }

  reference(run: Run, target: unknown, name: string | undefined): unknown {
    return this.#type.parts.host.reference(run, target, name);
  }

  #decodeAfresh(): void {
    const { bytes } = this.pipeline;
    this.#state = typeof bytes === "string" ? JSON.parse(bytes) : undefined;
    this.#isDecoded = true;
  }

  // What commits bring.

  committed(isDelete: boolean): void {
    if (isDelete) return this.#open();
    if (this.#mailbox.length > 0) this.#queue();
    this.#rest();
  }

  rolledBack(again: readonly Invocation[], cause: SpawnError): void {
    this.#abandon(cause);
    this.#isDecoded = false;
    if (this.#phase === "deleting") this.#phase = "ready";
    this.#putBack(again);
    this.#queue();
  }

  fenced(again: readonly Invocation[], row: StoredActor | undefined): void {
    const { emit } = this.#type.parts;
    const known = this.pipeline.revision;
    emit({ type: "fenced", actor: this.id });
    if ((row?.revision ?? 0) < known) emit({ type: "store-rollback", actor: this.id, known, stored: row?.revision ?? 0 });
    this.#abandon(new SpawnError("STATESTORE_UNAVAILABLE", "another process has changed the actor; repeat the call"));
    this.#putBack(again);
    this.#open();
  }

  tailLost(): void {
    this.#type.parts.emit({ type: "write-behind-lost", actor: this.id });
  }

  #putBack(again: readonly Invocation[]): void {
    this.#type.parts.queued += again.length;
    this.#mailbox.pushFront(again);
  }

  // Callers give up and time passes.

  /** The caller of `invocation` gave up: its action need not run, or may stop. */
  callerGaveUp(invocation: Invocation): void {
    if (this.#running?.invocation === invocation) this.#running.abort(new SpawnError("CANCELLED", "the caller gave up"));
    else this.#sweepMailbox();
  }

  onDue(now: number): void {
    this.#expireCallers(now);
    this.#expireRun(now);
    this.#flushIfDue(now);
    this.dueAt = this.#nextDue(now);
    this.#rest();
  }

  #expireCallers(now: number): void {
    for (const invocation of this.#waitingCallers()) {
      if (invocation.deadlineAt <= now) {
        invocation.giveUp("DEADLINE_EXCEEDED", `${formatActorId(this.id)} did not answer ${invocation.action.name} in time`);
      }
    }
    this.#sweepMailbox();
  }

  /** Removes from the mailbox what nobody waits for any more, so that it takes no room. */
  #sweepMailbox(): void {
    for (const invocation of this.#takeMailbox()) {
      if (invocation.isAnswered) invocation.end();
      else this.#requeue(invocation);
    }
  }

  #requeue(invocation: Invocation): void {
    this.#type.parts.queued++;
    this.#mailbox.push(invocation);
  }

  #takeMailbox(): Invocation[] {
    const all = this.#mailbox.takeAll();
    this.#type.parts.queued -= all.length;
    return all;
  }

  #expireRun(now: number): void {
    const run = this.#running;
    if (run === undefined || run.invocation.deadlineAt > now) return;
    const error = new SpawnError("DEADLINE_EXCEEDED", `${formatActorId(this.id)} took too long for ${run.invocation.action.name}`);
    run.abort(error);
    if (run.invocation.deadlineAt + this.#type.parts.limits.actionGraceMs > now) return;
    this.#abandon(error);
    if (this.#phase === "ready") this.#queue();
  }

  #flushIfDue(now: number): void {
    const oldest = this.pipeline.oldestUnstored;
    if (oldest !== undefined && oldest + this.definition.snapshotTimeoutMs <= now) this.pipeline.enlist();
  }

  /** All whose callers may run out of time. */
  *#waitingCallers(): Iterable<Invocation> {
    for (let waiting = this.#mailbox.first; waiting !== undefined; waiting = waiting.following) yield waiting;
    if (this.#running !== undefined) yield this.#running.invocation;
    yield* this.pipeline.waiting();
    if (this.#keyed !== undefined) yield* this.#keyed.aside();
  }

  #nextDue(now: number): number {
    let next = Infinity;
    for (const invocation of this.#waitingCallers()) if (!invocation.isAnswered) next = Math.min(next, invocation.deadlineAt);
    if (this.#running !== undefined) {
      const { deadlineAt } = this.#running.invocation;
      next = Math.min(next, deadlineAt > now ? deadlineAt : deadlineAt + this.#type.parts.limits.actionGraceMs);
    }
    const oldest = this.pipeline.oldestUnstored;
    if (oldest === undefined) return next;
    const flushAt = oldest + this.definition.snapshotTimeoutMs;
    return Math.min(next, flushAt > now ? flushAt : now + FLUSH_RETRY_MS);
  }

  #isDueBy(time: number): void {
    if (time >= this.dueAt) return;
    this.dueAt = time;
    if (this.#isWatched) this.#type.parts.watch.sooner(time);
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#type.parts.watch.add(this);
  }

  /** Watched while there is something to wait for, and not a moment longer. */
  #rest(): void {
    const oldest = this.pipeline.oldestUnstored;
    if (oldest !== undefined) this.#isDueBy(oldest + this.definition.snapshotTimeoutMs);
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

  /** The process is as good as dead: nothing more happens here, and nobody is told the truth. */
  crash(): void {
    this.#running?.revoke();
    this.#running = undefined;
    for (const invocation of this.#waitingCallers()) invocation.fail(new SpawnError("UNKNOWN_OUTCOME", "the process crashed", { applied: "unknown" }));
    this.leave();
  }

  /** The system stops: what has not run is refused, what runs is abandoned. */
  evict(error: SpawnError): void {
    this.#abandon(error);
    for (const invocation of this.#takeMailbox()) {
      invocation.fail(new SpawnError(error.code, messageOf(error), { applied: invocation.appliedBefore }));
    }
    this.#rest();
  }
}

const NO_TAGS: Tags = Object.freeze({});
/** How soon a flush that was due and is not done is looked at again. */
const FLUSH_RETRY_MS = 100;

/** The text of an error without its code, to be put behind another. */
function messageOf(error: SpawnError): string {
  return error.message.replace(`[${error.code}] `, "");
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

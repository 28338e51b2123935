/**
 * Messages on their way from the commit that sent them to the commit that consumes them.
 *
 * The statestore has every one of them, so nothing is lost with this process. Here they are only
 * delivered: at once by the process that committed them, and from the statestore (`sweeper.ts`) when
 * that did not work out: the process died, the action failed, too many were on their way.
 *
 * *Order.* A lane is what one source sends to one target in order; its next message is delivered when
 * the one before it was consumed. A message may be delivered at once only if no earlier one of its
 * lane is stored that this process does not have on its way. Of a source that may have such messages
 * (they failed, did not fit in memory, or were stored by an earlier process) everything is left to the
 * statestore, which hands out lanes in order, until it has none left.
 */
import { AbsentTargets } from "./absent-targets.ts";
import { LONG_DELIVERY_MS, RETRY, wornOut } from "./attempts.ts";
import type { ActorId } from "../actor-id.ts";
import type { Clock, Random } from "../clock.ts";
import { REST_IS_STORED } from "./broadcasts.ts";
import { Continuations } from "./continuations.ts";
import { Deliveries, isAtOnce, untried, type Delivery } from "./deliveries.ts";
import { isTargetAbsent, reasonOf, verdictOn, verdictOnStep } from "./delivery-verdict.ts";
import { SpawnError, isSpawnError } from "../errors.ts";
import type { EventListener } from "../events.ts";
import { exponentialBackoffMs } from "../time/exponential-backoff.ts";
import type { Caller, Invocation } from "../calls/invocation.ts";
import type { ContinuedCall } from "../calls/keyed-invocations.ts";
import type { Loader } from "../activations/loader.ts";
import type { Limits } from "../limits.ts";
import type { Message, Postponement, StoredMessage } from "../message-store.ts";
import { handBack, postponed, untriedOf } from "./giving-back.ts";
import { RepeatedCalls } from "./repeated-calls.ts";
import { isMissed, type CronTimes } from "./repetition.ts";
import { isSealed, unreadable } from "../sealed-rows.ts";
import { isSurelySent, storedAs, type Outgoing } from "./sending.ts";
import { SettledMessages } from "./settled-messages.ts";
import { SourcesBehind } from "./sources-behind.ts";
import type { Statestore } from "../statestore.ts";
import type { Watch } from "../time/watch.ts";

export interface OutboxParts {
  readonly system: string;
  readonly store: Statestore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
  readonly cronTimes: CronTimes;
  readonly watch: Watch;
  readonly loader: Loader;
  /** Hands a message to its target; exactly one method of `caller` is called. Throws when there is no target. */
  readonly deliver: (message: StoredMessage, caller: Caller, isStored: boolean) => void;
}

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #deliveries: Deliveries;
  readonly #settled: SettledMessages;
  readonly #absent: AbsentTargets;
  readonly #behind: SourcesBehind;
  readonly #continuations: Continuations;
  readonly #repeated: RepeatedCalls;
  /** What is not begun any more, because the system ends. */
  readonly #leftOver: Message[] = [];
  #isDraining = false;
  #isStopped = true;
  /** Tells that a message in the statestore is due at a time (wall). */
  onStored: (dueAt: number) => void = () => undefined;
  /** Tells that there is room for more. */
  onRoom: () => void = () => undefined;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#deliveries = new Deliveries(parts);
    this.#settled = new SettledMessages({ ...parts, onStored: (dueAt) => this.onStored(dueAt) });
    this.#absent = new AbsentTargets(parts.clock);
    this.#behind = new SourcesBehind(parts);
    this.#continuations = new Continuations(parts.watch);
    this.#repeated = new RepeatedCalls({
      loader: parts.loader,
      continuations: this.#continuations,
      isUnderWay: (step) => this.#deliveries.has(step),
      deliver: (step) => {
        if (!this.#isStopped) this.#take(step);
      },
    });
  }

  start(): void {
    this.#isStopped = false;
  }

  /** From now on only what somebody waits for is delivered; the rest waits for the next start. */
  drain(): void {
    this.#isDraining = true;
    this.#leaveUntried(this.#deliveries.takeWaiting());
  }

  /**
   * What had not got its turn when the drain was over is due at once, for whoever comes next: nobody
   * has to wait until it is certain that this process has not delivered it.
   */
  async handBack(): Promise<void> {
    const begun = [...this.#deliveries.all].map(({ message }) => message);
    await handBack(this.#parts, [...begun, ...this.#leftOver.map(untried)]);
  }

  /** Begins no more deliveries; what is stored stays stored. */
  stop(): void {
    this.#isStopped = true;
    this.#deliveries.clear();
    this.#behind.stop();
    this.#continuations.forsake(
      new SpawnError("SHUTTING_DOWN", "the system stopped before the call was answered"),
    );
  }

  /** How many more may be claimed. */
  get claimRoom(): number {
    return this.#deliveries.claimRoom;
  }

  /** Messages on their way. */
  get underWay(): number {
    return this.#deliveries.count;
  }

  isUnderWay(id: string): boolean {
    return this.#deliveries.has(id);
  }

  // Messages come in.

  /**
   * Whether the messages of a commit are to be delivered from here when it is done. Then room is kept for
   * them until they are given to {@link release}.
   */
  reserve(source: ActorId | undefined, sends: readonly Outgoing[]): boolean {
    if (this.#isStopped || this.#isDraining) return false;
    if (source !== undefined && this.#behind.has(source)) return false;
    return sends.every(isSurelySent) && this.#deliveries.reserve(source, sends);
  }

  /** Their commit is done, or will never be. */
  release(sends: readonly Outgoing[]): void {
    this.#deliveries.release(sends);
  }

  /**
   * The messages of a commit are stored.
   *
   * @param direct what they were made of, in that order, if they are to be delivered from here
   * @param revision that of the commit; 0 if it may not have been done
   */
  committed(
    messages: readonly Message[],
    direct: readonly Outgoing[] | undefined,
    revision = 0,
  ): void {
    if (this.#isStopped) return;
    const wall = this.#parts.clock.wall();
    const source = messages.find(({ isOrdered }) => isOrdered)?.source;
    if (direct === undefined && source !== undefined) this.#behind.add(source, revision);
    for (let index = 0; index < messages.length; index++) {
      const message = messages[index]!;
      const isNow = direct !== undefined && isAtOnce(direct[index]!);
      const isBehind = message.source !== undefined && this.#behind.leaves(message.source);
      const isAwaited = this.#continuations.has(message.id);
      if (isAwaited || (isNow && !isBehind && !this.#isDraining)) this.#take(message);
      else if (isNow && this.#isDraining) this.#leftOver.push(message);
      else this.onStored(Math.max(wall, message.dueAt));
    }
  }

  /**
   * An actor came to life whose row says that messages of it are stored. Some of them may be on their
   * way from here; but the row cannot tell which, so none that follows may overtake the others.
   */
  foundUnsent(source: ActorId): void {
    this.#behind.add(source);
  }

  /**
   * Messages that were claimed. Those that are under way from here go on as they are, and those to targets
   * that have enough go back; that was no attempt.
   */
  claimed(messages: readonly StoredMessage[]): void {
    if (this.#isStopped) return;
    const longDueAt = this.#parts.clock.wall() + LONG_DELIVERY_MS;
    const notNow: Postponement[] = [];
    const refused = new Set<string>();
    const next: Delivery[] = [];
    for (const message of messages) {
      const underWay = this.#deliveries.find(message.id);
      if (underWay !== undefined) {
        const known = underWay.follower ?? underWay.message;
        if (known.sentAt !== message.sentAt) underWay.follower = message;
        // It takes long, or waits for one that does.
        else notNow.push({ ...postponed(known, longDueAt), isUnderWay: true });
        continue;
      }
      const comesBackAt = this.#deliveries.refuses(message, refused);
      if (comesBackAt !== undefined) {
        notNow.push(untriedOf(message, comesBackAt));
        continue;
      }
      const delivery = this.#deliveries.enter(message, true);
      if (delivery !== undefined) next.push(delivery);
    }
    if (notNow.length > 0) void this.#settled.postpone(notNow);
    // A lane is complete before its first message is tried: that may fail at once.
    for (const delivery of next) this.#try(delivery);
  }

  /** Delivers something that is stored nowhere. */
  fire(source: ActorId, outgoing: Outgoing): void {
    const { emit, clock } = this.#parts;
    const at = clock.wall();
    const message = storedAs(outgoing, { source, at, graceMs: 0 });
    const { target, action } = message;
    const caller: Caller = {
      resolve: () => undefined,
      reject: (error) => emit({ type: "async-failed", actor: target, action, error }),
    };
    this.#deliver(message, caller, false);
  }

  // Calls that go on in other actors.

  /** The commit of an invocation is done, and a step of that commit answers its caller. */
  goesOn(invocation: Invocation): void {
    const step = invocation.continuesAs!;
    const before = invocation.details?.message;
    if (before !== undefined) {
      this.#continuations.move(before.id, step);
      invocation.succeed(undefined);
    } else if (invocation.isAnswered) {
      invocation.end();
    } else {
      this.#continuations.wait(step, invocation);
    }
  }

  /** A call that was made before is repeated, and had gone on in another actor. */
  readonly follow = (invocation: Invocation, call: ContinuedCall): void =>
    this.#repeated.follow(invocation, call);

  #take(message: Message | StoredMessage): void {
    // It was found in the statestore before its commit was known to be done.
    if (this.#deliveries.has(message.id)) return;
    const delivery = this.#deliveries.enter(message, false);
    if (delivery !== undefined) this.#try(delivery);
  }

  // They are delivered.

  #try(delivery: Delivery): void {
    const { message, claimed } = delivery;
    const { limits, clock } = this.#parts;
    const { repeat } = message.headers;
    // Before anything is made of it: it must be whole when somebody has the key.
    if (isSealed(message.payload))
      return void this.#park(delivery, unreadable("the message", message.payload));
    if (claimed !== undefined && message.attempts > limits.messageAttemptsMax)
      return void this.#park(delivery, wornOut(message));
    const isFirstTry = message.attempts === (claimed === undefined ? 0 : 1);
    if (repeat !== undefined && isFirstTry && isMissed(repeat, clock.wall()))
      return void this.#consume(delivery);
    const caller: Caller = {
      resolve: (reply) => {
        if (!this.#isConsumedByTarget(message)) return void this.#consume(delivery, reply);
        if (reply === REST_IS_STORED) return this.#leave(delivery);
        this.#continuations.succeed(message.id, reply);
        this.#end(delivery);
      },
      reject: (error, hasRun = false) => this.#failed(delivery, error, hasRun),
    };
    this.#deliver(message, caller, true);
  }

  #deliver(message: StoredMessage, caller: Caller, isStored: boolean): void {
    try {
      this.#parts.deliver(message, caller, isStored);
    } catch (error) {
      caller.reject(
        isSpawnError(error)
          ? error
          : new SpawnError("INTERNAL", "a message could not be delivered", { cause: error }),
      );
    }
  }

  /** The message is not stored any more, or not to be delivered from here; the next of its lane goes. */
  #end(delivery: Delivery): void {
    const { lane, claimed, message } = delivery;
    if (!this.#deliveries.forget(delivery)) return;
    this.onRoom();
    if (delivery.follower !== undefined && !this.#isDraining) this.claimed([delivery.follower]);
    const next = this.#deliveries.nextAfter(delivery);
    if (next !== undefined) return this.#try(next);
    // What is stored behind it could not be found while it was the head of its lane.
    const mayHaveMore =
      lane !== undefined && (claimed !== undefined || this.#behind.has(message.source!));
    if (mayHaveMore) this.onStored(this.#parts.clock.wall());
  }

  #failed(delivery: Delivery, error: SpawnError, hasRun: boolean): void {
    if (this.#isStopped || !this.#deliveries.has(delivery.message.id)) return;
    const isStep = delivery.message.headers.kind === "step";
    const verdict = isStep ? verdictOnStep(error, hasRun) : verdictOn(error);
    const isAwaited = this.#continuations.has(delivery.message.id);
    if (isStep && (verdict === "final" || (verdict === "impossible" && isAwaited)))
      return void this.#answer(delivery, error);
    this.#continuations.delayed(delivery.message.id, error);
    switch (verdict) {
      case "gone":
        return this.#end(delivery);
      case "again":
        return this.#again(delivery);
      case "later":
        return this.#later(delivery, error);
      case "final":
        return void this.#consume(delivery);
      case "impossible":
        // The times of a repeated message may outlast what is wrong, and must not pile up.
        if (delivery.message.headers.repeat !== undefined) return void this.#retry(delivery, error);
        return void this.#park(delivery, error);
      case "retry":
        return void this.#retry(delivery, error);
    }
  }

  /** The step has failed and is over: that is remembered, and then its caller is told. */
  async #answer(delivery: Delivery, error: SpawnError): Promise<void> {
    if (!(await this.#settled.endStep(delivery.message, error))) return this.#leave(delivery);
    this.#continuations.fail(delivery.message.id, error);
    this.#end(delivery);
  }

  /** The target had no room. That says nothing about the message, so nothing is counted or written. */
  #again(delivery: Delivery): void {
    const { clock, random } = this.#parts;
    const delayMs = exponentialBackoffMs(++delivery.refusals, random);
    clock.timer(delayMs, () => {
      if (!this.#isStopped && this.#deliveries.has(delivery.message.id)) this.#try(delivery);
    });
  }

  /** The platform was in the way. That says nothing about the message either. */
  #later(delivery: Delivery, error: SpawnError): void {
    this.#leave(delivery);
    const { message, claimed } = delivery;
    if (claimed === undefined) return;
    // The clock may have been set back since it was claimed.
    const latest = this.#parts.clock.wall() + RETRY.maxMs;
    const dueAt = isTargetAbsent(error)
      ? this.#absent.comeBackAt()
      : Math.min(message.dueAt, latest);
    void this.#settled.postpone([untriedOf({ ...message, error: reasonOf(error) }, dueAt)]);
  }

  /** It stays where it is stored, with all that wait behind it. */
  #leave(delivery: Delivery): void {
    const { lane, message, follower } = delivery;
    const behindIt = this.#deliveries.takeBehind(delivery);
    if (message.source !== undefined && lane !== undefined) this.#behind.add(message.source);
    this.#leaveUntried(behindIt, follower);
    this.#end({ ...delivery, follower: undefined });
    this.onStored(message.dueAt);
  }

  /** @param last waits behind them, or alone */
  #leaveUntried(deliveries: readonly Delivery[], last?: StoredMessage): void {
    for (const delivery of deliveries) this.#deliveries.forget(delivery);
    const wall = this.#parts.clock.wall();
    const left = deliveries.map(({ message, claimed }) =>
      claimed === undefined ? postponed(message, wall) : untriedOf(message, wall),
    );
    if (last !== undefined) left.push(untriedOf(last, wall));
    if (left.length > 0) void this.#settled.postpone(left);
  }

  /** Whether it is not stored any more when it was delivered. */
  #isConsumedByTarget({ target, headers }: StoredMessage): boolean {
    return headers.kind !== "external" && target.system === this.#parts.system;
  }

  /** The message has done its work, and no commit says so: the actor has said no, or is elsewhere. */
  async #consume(delivery: Delivery, reply?: unknown): Promise<void> {
    if (!(await this.#settled.consume(delivery.message, reply))) return this.#leave(delivery);
    this.#continuations.succeed(delivery.message.id, reply);
    this.#end(delivery);
  }

  async #retry(delivery: Delivery, error: SpawnError): Promise<void> {
    const { message, claimed } = delivery;
    const attempts = message.attempts + (claimed === undefined ? 1 : 0);
    const tried = { ...message, attempts };
    if (attempts >= this.#parts.limits.messageAttemptsMax)
      return await this.#park(delivery, error, tried);
    const retried = await this.#settled.retry(tried, error);
    this.#leave({ ...delivery, message: retried });
  }

  async #park(delivery: Delivery, error: SpawnError, tried = delivery.message): Promise<void> {
    if (!(await this.#settled.park(tried, error))) return this.#leave(delivery);
    this.#continuations.fail(delivery.message.id, error);
    this.#end(delivery);
  }
}

/**
 * Who gets in. Every queue is bounded, and a system that is hard-pressed refuses calls from outside
 * before it refuses calls that its own actors make, because these finish work that has begun.
 *
 * Hard-pressed means that a good deal of work waits *and* that the process shows it: its event loop
 * is late, or its heap nearly full. A loop that was blocked for a moment while nothing waits is no
 * reason to turn anybody away.
 */
import { formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import type { Clock, Timer } from "../clock.ts";
import { SpawnError } from "../errors.ts";
import type { Invocation } from "./invocation.ts";
import type { Limits } from "../limits.ts";
import type { Mailbox } from "../activations/mailbox.ts";
import { QueuePaces } from "./queue-paces.ts";

const SAMPLE_PERIOD_MS = 100;
/** The share of the system's queue that has to be in use before pressure counts. */
const BUSY_SHARE = 0.1;

/** What waits for an actor. */
export interface Waiting {
  /** The actor. */
  readonly id: ActorId;
  readonly queueLength: number;
  /** About how much memory the payloads take, in UTF-16 units. */
  readonly queueUnits: number;
}

export class Admission {
  readonly #paces = new QueuePaces();
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #heapPercent: () => number;
  #queued = 0;
  #timer: Timer | undefined;
  /** Why calls from outside are refused at present. */
  #pressure: string | undefined;

  /** @param heapPercent how much of the heap is in use */
  constructor(clock: Clock, limits: Limits, heapPercent: () => number) {
    this.#clock = clock;
    this.#limits = limits;
    this.#heapPercent = heapPercent;
  }

  /** Invocations that wait for their turn. */
  get queued(): number {
    return this.#queued;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Whether so much waits that the state of the process matters. An idle one is not looked at. */
  get #isBusy(): boolean {
    return this.#queued > this.#limits.queuedMax * BUSY_SHARE;
  }

  /** Looks at the process now and then, while the system is busy. */
  #watch(): void {
    const dueAt = this.#clock.monotonic() + SAMPLE_PERIOD_MS;
    this.#timer = this.#clock.timer(SAMPLE_PERIOD_MS, () => {
      this.#timer = undefined;
      this.#sample(this.#clock.monotonic() - dueAt);
      if (this.#isBusy) this.#watch();
      // Nobody looks from now on, so what was seen says nothing about the next time that much waits.
      else this.#pressure = undefined;
    });
  }

  /**
   * Counts an invocation into the queues.
   *
   * @param waiting what waits for its actor already
   * @throws {SpawnError} `OVERLOADED` when there is no room for it
   */
  enter(waiting: Waiting, invocation: Invocation): void {
    this.checkRoom(waiting, invocation);
    this.#queued++;
    if (this.#timer === undefined && this.#isBusy) this.#watch();
  }

  /** As {@link enter}, and counts nothing: for an actor that has to come to life first. */
  checkRoom(waiting: Waiting, invocation: Invocation): void {
    const reason = this.#refusal(waiting, invocation);
    if (reason !== undefined) {
      const applied = invocation.appliedBefore;
      throw new SpawnError("OVERLOADED", `${reason}; try again later`, { applied });
    }
  }

  /**
   * Turns a call away that would wait in vain. What is stored or remembered gets in: it can be known before its turn
   * what became of it.
   *
   * @throws {SpawnError} `OVERLOADED` when its time would run out in the queue
   */
  checkPatience(queue: Mailbox & Waiting, invocation: Invocation, now: number): void {
    if (invocation.onceKey !== undefined) return;
    const waitMs = this.#paces.vainWaitMs(queue, invocation, now);
    if (waitMs === undefined) return;
    const { id, queueLength } = queue;
    const leftMs = Math.max(0, Math.ceil(invocation.deadlineAt - now));
    throw new SpawnError(
      "OVERLOADED",
      `${formatActorId(id)} has ${queueLength} invocations waiting, which take about ${Math.round(waitMs)} ms; the call has ${leftMs} ms; try again later`,
    );
  }

  /** Hears that the first `count` of a queue have had their turn, at `now` (monotonic). */
  moved(queue: Mailbox, count: number, now: number): void {
    this.#paces.moved(queue, count, now);
  }

  /** Hears that a queue is no more, or not what it was. */
  interrupted(queue: Mailbox): void {
    this.#paces.forget(queue);
  }

  /** Counts invocations that have to run again: they were let in before. */
  reenter(count: number): void {
    this.#queued += count;
  }

  /** Counts invocations out of the queues. */
  leave(count: number): void {
    this.#queued -= count;
  }

  #refusal(waiting: Waiting, invocation: Invocation): string | undefined {
    const { mailboxLengthMax, mailboxUnitsMax, queuedMax } = this.#limits;
    const { queueLength, queueUnits } = waiting;
    // Nothing may be too large for an empty mailbox: it would wait, or be tried again, for ever.
    const isTooLarge = queueLength > 0 && queueUnits + invocation.units > mailboxUnitsMax;
    if (queueLength >= mailboxLengthMax || isTooLarge) {
      return `${formatActorId(waiting.id)} has ${queueLength} invocations waiting`;
    }
    if (this.#queued >= queuedMax) return `the system has ${this.#queued} invocations waiting`;
    const isFromOutside = invocation.details?.caller === undefined;
    return isFromOutside && this.#isBusy ? this.#pressure : undefined;
  }

  #sample(lagMs: number): void {
    const { loopLagMsMax, heapPercentMax } = this.#limits;
    const heapPercent = this.#heapPercent();
    if (lagMs > loopLagMsMax) this.#pressure = `the event loop is ${Math.round(lagMs)} ms late`;
    else if (heapPercent > heapPercentMax)
      this.#pressure = `${Math.round(heapPercent)} % of the heap is in use`;
    else this.#pressure = undefined;
  }
}

/**
 * The activations that have something to run.
 *
 * They take turns in one microtask, so that a call never runs user code before it has returned its
 * promise, and the calls of one tick are run together. Now and then the queue steps back behind
 * input and output, so that a busy system still receives answers and timers.
 */
import type { Clock } from "./clock.ts";
import type { Time } from "./time.ts";

export interface Runnable {
  /** Runs at most `actionsMax` actions and returns how many it ran; called once per {@link RunQueue.push}. */
  turn(actionsMax: number): number;
}

/** Its `then` is half the price of `queueMicrotask`, which keeps a record of every callback. */
const settled = Promise.resolve();
/** Actions of one actor before the others have their turn. */
const TURN_ACTIONS_MAX = 256;
/** Actions before input and output have their turn. */
const YIELD_ACTIONS = 2_048;
/** Milliseconds that actions may take before input and output have their turn. */
const YIELD_MS = 10;

export class RunQueue {
  readonly #clock: Clock;
  readonly #time: Time;
  #waiting: Runnable[] = [];
  #spare: Runnable[] = [];
  #isScheduled = false;
  /** Whether its turn comes before input, output and timers have theirs. */
  #isNext = false;
  /** Whether the clock was read since the calls began that come before the next turn. */
  #isTimeKnown = false;
  #actionsSinceYield = 0;
  #msSinceYield = 0;
  readonly #drain = (): void => this.#runSome();

  constructor(clock: Clock, time: Time) {
    this.#clock = clock;
    this.#time = time;
  }

  push(runnable: Runnable): void {
    this.#waiting.push(runnable);
    if (!this.#isScheduled) this.#schedule();
  }

  /**
   * The time at which a call comes in. The calls before the next turn share one reading: that of the first
   * of them. So it is early by as long as the code goes on without giving way that makes them, and what
   * was ready to run when it made the first.
   */
  timeOfCall(): number {
    if (this.#isTimeKnown) return this.#time.last;
    // The turn is what ends these calls.
    if (!this.#isScheduled) this.#schedule();
    this.#isTimeKnown = this.#isNext;
    return this.#time.now();
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#isNext = this.#actionsSinceYield < YIELD_ACTIONS && this.#msSinceYield < YIELD_MS;
    if (this.#isNext) return void settled.then(this.#drain);
    this.#actionsSinceYield = 0;
    this.#msSinceYield = 0;
    this.#clock.yield(this.#drain);
  }

  #runSome(): void {
    this.#isNext = false;
    this.#isTimeKnown = false;
    const running = this.#waiting;
    this.#waiting = this.#spare;
    const startedAt = this.#time.last;
    let index = 0;
    let ran = 0;
    while (
      index < running.length &&
      ran < YIELD_ACTIONS &&
      this.#time.last - startedAt < YIELD_MS
    ) {
      ran += running[index++]!.turn(TURN_ACTIONS_MAX);
    }
    this.#actionsSinceYield += ran;
    this.#msSinceYield += this.#time.last - startedAt;
    if (index < running.length) this.#waiting = running.slice(index).concat(this.#waiting);
    running.length = 0;
    this.#spare = running;
    this.#isScheduled = false;
    if (this.#waiting.length > 0) this.#schedule();
  }
}

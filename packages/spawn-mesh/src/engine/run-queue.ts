/**
 * The activations that have something to run.
 *
 * They take turns in one microtask, so that a call never runs user code before it has returned its
 * promise, and the calls of one tick are run together. Now and then the queue steps back behind
 * input and output, so that a busy system still receives answers and timers.
 */
import type { Clock } from "./clock.ts";

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

export class RunQueue {
  readonly #clock: Clock;
  #waiting: Runnable[] = [];
  #spare: Runnable[] = [];
  #isScheduled = false;
  #actionsSinceYield = 0;
  readonly #drain = (): void => this.#runAll();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  push(runnable: Runnable): void {
    this.#waiting.push(runnable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#actionsSinceYield < YIELD_ACTIONS) return void settled.then(this.#drain);
    this.#actionsSinceYield = 0;
    this.#clock.yield(this.#drain);
  }

  #runAll(): void {
    const running = this.#waiting;
    this.#waiting = this.#spare;
    for (let index = 0; index < running.length; index++) {
      this.#actionsSinceYield += running[index]!.turn(TURN_ACTIONS_MAX);
    }
    running.length = 0;
    this.#spare = running;
    if (this.#waiting.length > 0) this.#schedule();
    else this.#isScheduled = false;
  }
}

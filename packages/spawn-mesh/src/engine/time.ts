/**
 * The monotonic clock, and what it said last.
 *
 * Reading the clock costs a twentieth of a call, so the call path reads it when an action has run, and
 * once for all calls that come in together (`run-queue.ts`). Whatever else needs the time in between
 * takes the last reading.
 */
import type { Clock } from "./clock.ts";

export class Time {
  readonly #clock: Clock;
  /** What the clock said when it was last read. */
  last: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.last = clock.monotonic();
  }

  /** Reads the clock. */
  now(): number {
    this.last = this.#clock.monotonic();
    return this.last;
  }
}

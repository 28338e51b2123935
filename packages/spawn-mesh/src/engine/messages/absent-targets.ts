/**
 * When messages come again whose targets are not here: soon, if they are few. However many wait for a host that is
 * gone, only so many a second are looked at, and each of them every few minutes at least.
 */
import type { Clock } from "../clock.ts";

/** How soon a message comes again that only another process can deliver, at least and at most, in milliseconds. */
const BACK_MS_MIN = 5_000;
const BACK_MS_MAX = 5 * 60_000;
/** As long as there are not more than are looked at in that time. */
const LOOKS_A_SECOND = 100;

export class AbsentTargets {
  readonly #clock: Clock;
  /** When the last one comes again (wall). */
  #lastAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the next one comes again (wall). */
  comeBackAt(): number {
    const wall = this.#clock.wall();
    const inTurn = Math.max(wall + BACK_MS_MIN, this.#lastAt + 1_000 / LOOKS_A_SECOND);
    this.#lastAt = Math.min(wall + BACK_MS_MAX, inTurn);
    return Math.ceil(this.#lastAt);
  }
}

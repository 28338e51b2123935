/**
 * Puts idle activations away. One timer a definition looks at all of its activations now and then,
 * a slice at a time, so that a million of them cost no million timers and no long pause.
 */
import type { Activation } from "./activation.ts";
import type { ActorType } from "./actor-type.ts";
import type { Clock, Timer } from "../clock.ts";

/** Activations that one look goes through. */
const SLICE_LENGTH_MAX = 5_000;
/** How soon a look that did not come to the end goes on, in milliseconds. */
const SLICE_PERIOD_MS = 10;
const PERIOD_MS_MIN = 10;
const PERIOD_MS_MAX = 1_000;

export class Deactivator {
  readonly #type: ActorType;
  readonly #clock: Clock;
  readonly #periodMs: number;
  #timer: Timer | undefined;
  #sweep: Iterator<Activation> | undefined;

  constructor(type: ActorType, clock: Clock) {
    this.#type = type;
    this.#clock = clock;
    this.#periodMs = Math.max(
      PERIOD_MS_MIN,
      Math.min(PERIOD_MS_MAX, type.definition.deactivateTimeoutMs / 10),
    );
  }

  /** Begins to look, now that there is an activation; it ends when none is left that may leave. */
  wake(): void {
    if (this.#timer !== undefined) return;
    const delayMs = this.#sweep === undefined ? this.#periodMs : SLICE_PERIOD_MS;
    this.#timer = this.#clock.timer(delayMs, () => {
      this.#timer = undefined;
      this.#sweepSlice();
      if (this.#type.hasSpare) this.wake();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sweepSlice(): void {
    const sweep = (this.#sweep ??= this.#type.live[Symbol.iterator]());
    const now = this.#clock.monotonic();
    for (let count = 0; count < SLICE_LENGTH_MAX; count++) {
      const { value, done } = sweep.next();
      if (done === true) {
        this.#sweep = undefined;
        return;
      }
      value.leaveIfIdle(now);
    }
  }
}

/**
 * The timers that an actor does not have yet. They go into the commit of the first action that runs:
 * with none before, because that action may turn out to be one that must not run. When that commit
 * fails they go again by themselves, since nothing else may ever happen to the actor.
 */
import type { Clock } from "../clock.ts";
import type { CommitPipeline } from "../commits/commit-pipeline.ts";
import type { Outgoing } from "./sending.ts";

/** How soon timers go again whose commit failed. */
const RETRY_MS = 1_000;

export class StartingTimers {
  readonly #pipeline: CommitPipeline;
  readonly #clock: Clock;
  #waiting: readonly Outgoing[];
  /** When those go again whose commit failed (monotonic). */
  againAt: number = Infinity;

  constructor(timers: readonly Outgoing[], pipeline: CommitPipeline, clock: Clock) {
    this.#waiting = timers;
    this.#pipeline = pipeline;
    this.#clock = clock;
  }

  /** Whether some have to go again, while nothing else may happen to the actor. */
  get areLate(): boolean {
    return this.againAt < Infinity;
  }

  /** An action runs now: they go with it, unless they have to wait for another try. */
  go(): void {
    if (this.#waiting.length > 0 && !this.areLate) this.#send();
  }

  /** It is time for another try. */
  goAgain(now: number): void {
    if (this.againAt <= now) this.#send();
  }

  #send(): void {
    const timers = this.#waiting;
    this.#waiting = NO_TIMERS;
    this.againAt = Infinity;
    this.#pipeline.addMessages(timers, this.#clock.monotonic(), (isCommitted) => {
      if (isCommitted) return;
      this.#waiting = timers;
      this.againAt = this.#clock.monotonic() + RETRY_MS;
    });
  }
}

const NO_TIMERS: readonly Outgoing[] = [];

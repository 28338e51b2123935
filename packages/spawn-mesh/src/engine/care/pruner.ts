/** Forgets stored replies that expired, a bounded number at a time. */
import type { Clock, Timer } from "../clock.ts";
import type { EventListener } from "../events.ts";
import type { Statestore } from "../statestore.ts";

const PERIOD_MS = 60_000;
/** How soon it goes on when there was more than it may take away at once. */
const AGAIN_MS = 100;
const ROWS_MAX = 1_000;

export class Pruner {
  readonly #store: Statestore;
  readonly #clock: Clock;
  readonly #emit: EventListener;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(store: Statestore, clock: Clock, emit: EventListener) {
    this.#store = store;
    this.#clock = clock;
    this.#emit = emit;
  }

  start(delayMs: number = PERIOD_MS): void {
    this.#timer = this.#clock.timer(delayMs, () => void this.#prune());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #prune(): Promise<void> {
    let isMoreLeft = false;
    try {
      isMoreLeft = (await this.#store.prune(this.#clock.wall(), ROWS_MAX)) >= ROWS_MAX;
    } catch (cause) {
      this.#emit({ type: "store-failed", operation: "prune", cause });
    }
    if (!this.#isStopped) this.start(isMoreLeft ? AGAIN_MS : PERIOD_MS);
  }
}

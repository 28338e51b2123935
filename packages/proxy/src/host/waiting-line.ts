/**
 * Those who wait for a place at a host, because as many runs are under way there as may be.
 *
 * Actions of most SDKs call other actors without saying which run calls. When all runs of a host wait for
 * calls that have to run there too, none of them ends, and nothing tells so but that. So when no run has
 * ended for a while and somebody waits, who has come last is let in besides: that is what the others may
 * be waiting for. And again, as long as nothing moves.
 */
import type { Cancellation } from "spawn-mesh/engine";

/** After how long without the end of a run somebody is let in besides, in milliseconds; then how soon again. */
const STALLED_MS = 500;
const STEP_MS = 50;

/** Has a place, and waits no longer. */
type Waiter = () => void;

export class WaitingLine {
  readonly #waiting: Waiter[] = [];
  readonly #onStalled: () => void;
  #movedAt = 0;
  #isStalled = false;
  #look: NodeJS.Timeout | undefined;

  /** @param onStalled lets somebody in besides */
  constructor(onStalled: () => void) {
    this.#onStalled = onStalled;
  }

  /** Waits for a place. @throws the reason of the cancellation when there is one before */
  wait(cancellation: Cancellation): Promise<void> {
    if (this.#look === undefined) {
      this.moved();
      this.#look = setInterval(() => this.#stallIfUnmoved(), STEP_MS).unref();
    }
    return new Promise((resolve, reject) => {
      const take: Waiter = () => {
        cancellation.listener = undefined;
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        this.#endIfEmpty();
        reject(cancellation.reason!);
      };
      this.#waiting.push(take);
      if (cancellation.reason !== undefined) leave();
      else cancellation.listener = leave;
    });
  }

  /** A run has ended. */
  moved(): void {
    this.#movedAt = performance.now();
  }

  /** Who has waited longest. */
  first(): Waiter | undefined {
    return this.#taken(this.#waiting.shift());
  }

  /** Who has come last. */
  last(): Waiter | undefined {
    return this.#taken(this.#waiting.pop());
  }

  #taken(waiter: Waiter | undefined): Waiter | undefined {
    this.#endIfEmpty();
    return waiter;
  }

  #endIfEmpty(): void {
    if (this.#look === undefined || this.#waiting.length > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
    this.#isStalled = false;
  }

  #stallIfUnmoved(): void {
    const patienceMs = this.#isStalled ? STEP_MS : STALLED_MS;
    if (performance.now() - this.#movedAt < patienceMs) return;
    this.#isStalled = true;
    this.moved();
    this.#onStalled();
  }
}

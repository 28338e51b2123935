/** Loads, many in one. What fails is tried again for a while; in doubt the answer is an error, never "no row". */
import { exponentialBackoffMs } from "../time/exponential-backoff.ts";
import { GroupQueue } from "../time/group-queue.ts";
import type { EventListener } from "../events.ts";
import { sleep } from "../clock.ts";
import type { Clock, Random } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { SpawnError, describeThrown, isSpawnError } from "../errors.ts";
import { StoreFailure } from "../statestore.ts";
import type { Statestore, StoreAnswer, StoreQuery } from "../statestore.ts";

export interface LoadWaiter {
  loaded(answer: StoreAnswer): void;
  loadFailed(error: SpawnError): void;
}

interface PendingLoad {
  readonly query: StoreQuery;
  readonly waiter: LoadWaiter;
}

export interface LoaderParts {
  readonly store: Statestore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
}

export class Loader {
  readonly #parts: LoaderParts;
  readonly #waiting: GroupQueue<PendingLoad>;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
    const { loadRowsMax, loadsInFlightMax } = parts.limits;
    this.#waiting = new GroupQueue({
      inFlightMax: loadsInFlightMax,
      lengthOfNext: () => loadRowsMax,
      send: (batch) => this.#answer(batch),
    });
  }

  /** Asks the statestore; exactly one method of `waiter` is called, later. */
  load(query: StoreQuery, waiter: LoadWaiter): void {
    this.#waiting.push({ query, waiter });
  }

  /** Asks nothing more and answers nobody: what a crash does. */
  abandon(): void {
    this.#waiting.stop();
  }

  get #isAbandoned(): boolean {
    return this.#waiting.isStopped;
  }

  async #answer(batch: readonly PendingLoad[]): Promise<void> {
    const outcome = await this.#loadWithRetries(batch.map((pending) => pending.query));
    if (this.#isAbandoned) return;
    if (!(outcome instanceof SpawnError)) {
      outcome.forEach((answer, index) => batch[index]!.waiter.loaded(answer));
    } else if (outcome.code === "STATESTORE_UNAVAILABLE" || batch.length === 1) {
      for (const { waiter } of batch) waiter.loadFailed(outcome);
    } else {
      // One row that cannot be read must not take the others with it. They go one after another:
      // together they are still one of the loads that may be in flight.
      for (const pending of batch) await this.#answer([pending]);
    }
  }

  async #loadWithRetries(
    queries: readonly StoreQuery[],
  ): Promise<readonly StoreAnswer[] | SpawnError> {
    const { store, clock, random, limits, emit } = this.#parts;
    const giveUpAt = clock.monotonic() + limits.storeRetryMs;
    for (let attempt = 0; ; attempt++) {
      try {
        return await store.load(queries);
      } catch (error) {
        if (isSpawnError(error)) return error;
        emit({ type: "store-failed", operation: "load", cause: error });
        const isFinal =
          this.#isAbandoned || (error instanceof StoreFailure && error.kind === "fatal");
        if (isFinal || clock.monotonic() >= giveUpAt) {
          return new SpawnError(
            "STATESTORE_UNAVAILABLE",
            `the actor cannot be loaded: ${describeThrown(error)}`,
            { cause: error },
          );
        }
        await sleep(clock, exponentialBackoffMs(attempt, random));
      }
    }
  }
}

/** Does something with many actors, a bounded number at a time, and counts what came of it. */
import type { ListedActor } from "./actor-finder.ts";
import { checkWholeNumber } from "../limits.ts";

/** How something is done with many actors. */
export interface ManyOptions {
  /** How many are under way at once. Default 16, at most 256. */
  readonly concurrency?: number | undefined;
  /** The most actors to act on. Default: all that are found. */
  readonly limit?: number | undefined;
  /** Called when something was done with an actor. */
  readonly onProgress?: ((progress: ManyProgress) => void) | undefined;
  /** Ends it early: what is under way is waited for, and it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How far it has come. Each actor that was found is counted in one of the others when it is done. */
export interface ManyProgress {
  /** Actors that were found so far. */
  readonly found: number;
  /** Those of them with which it was done. */
  readonly ok: number;
  /** Those that had changed since they were found, and were left alone. */
  readonly skipped: number;
  /** Those with which it failed. */
  readonly failed: number;
}

/** What was done in the end. */
export interface ManyResult extends ManyProgress {
  /** The first ten that failed, with their errors. */
  readonly failures: readonly ManyFailure[];
}

/** An actor with which it failed, and why. */
export interface ManyFailure {
  readonly actor: ListedActor;
  readonly error: unknown;
}

const CONCURRENCY = 16;
const CONCURRENCY_MAX = 256;
const FAILURES_TOLD = 10;

/**
 * @param act does it with one; `false` when it was left alone
 * @throws what finding them throws, and the reason of the signal; what was done stays
 */
export async function actOnMany(
  actors: AsyncIterator<ListedActor, void, undefined>,
  act: (actor: ListedActor) => Promise<unknown>,
  options: ManyOptions = {},
): Promise<ManyResult> {
  const { concurrency = CONCURRENCY, limit = Number.MAX_SAFE_INTEGER, signal } = options;
  checkWholeNumber("concurrency", concurrency, { min: 1, max: CONCURRENCY_MAX });
  checkWholeNumber("limit", limit, { min: 1 });
  const counts = { found: 0, ok: 0, skipped: 0, failed: 0 };
  const failures: ManyFailure[] = [];
  let taken = 0;
  let isEnded = false;
  const one = async (actor: ListedActor): Promise<void> => {
    try {
      if ((await act(actor)) === false) counts.skipped++;
      else counts.ok++;
    } catch (error) {
      counts.failed++;
      if (failures.length < FAILURES_TOLD) failures.push({ actor, error });
    }
    options.onProgress?.({ ...counts });
  };
  const worker = async (): Promise<void> => {
    try {
      while (taken < limit && !isEnded) {
        signal?.throwIfAborted();
        taken++;
        const next = await actors.next();
        if (next.done === true) return;
        counts.found++;
        await one(next.value);
      }
    } finally {
      isEnded = true;
    }
  };
  const workers = Array.from({ length: concurrency }, worker);
  const ended = await Promise.allSettled(workers);
  await actors.return?.();
  const problem = ended.find((worked) => worked.status === "rejected");
  if (problem !== undefined) throw problem.reason;
  return { ...counts, failures };
}

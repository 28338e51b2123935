/** Questions to the statestore whose failures are the platform's errors. */
import { sleep } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { SpawnError, describeThrown, isSpawnError } from "./errors.ts";
import { StoreFailure } from "./statestore.ts";

/** An answer of the statestore. Not repeated: the answer would be another. */
export async function asked<Answer>(answer: Promise<Answer>, what: string): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (isSpawnError(error)) throw error;
    const problem = `${what}: ${describeThrown(error)}`;
    const isUnknown = error instanceof StoreFailure && error.kind === "ambiguous";
    throw isUnknown
      ? new SpawnError("UNKNOWN_OUTCOME", problem, { applied: "unknown", cause: error })
      : new SpawnError("STATESTORE_UNAVAILABLE", problem, { cause: error });
  }
}

/** What was only read: whatever failed, nothing was changed. */
export async function askedToRead<Answer>(answer: Promise<Answer>, what: string): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (isSpawnError(error)) throw error;
    const problem = `${what}: ${describeThrown(error)}`;
    throw new SpawnError("STATESTORE_UNAVAILABLE", problem, { cause: error });
  }
}

/** How long work in the background is kept up. */
export interface Patience {
  readonly clock: Clock;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** What cannot be done, for the error. */
  readonly what: string;
}

const ATTEMPTS_MAX = 8;
const RETRY_MS = 50;

/** Asks again when the statestore fails, for some ten seconds: done twice it must be done once. */
export async function askPatiently<Answer>(
  { clock, signal, what }: Patience,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (isSpawnError(error)) throw error;
      const kind = error instanceof StoreFailure ? error.kind : "fatal";
      const isFinal = kind === "fatal" || kind === "rows";
      if (isFinal || attempt === ATTEMPTS_MAX) {
        const problem = `${what}: ${describeThrown(error)}`;
        throw new SpawnError("STATESTORE_UNAVAILABLE", problem, { cause: error });
      }
      await sleep(clock, RETRY_MS * 2 ** attempt, signal);
    }
  }
}

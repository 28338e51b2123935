/** Calls of a statestore that work through many rows: what fails for a while is asked again. */
import { type Clock, sleep } from "../engine/clock.ts";
import { describeThrown, isSpawnError, SpawnError } from "../engine/errors.ts";
import { StoreFailure } from "../engine/statestore.ts";

const ATTEMPTS_MAX = 8;
const RETRY_MS = 50;

/**
 * Makes a call that may be repeated: done twice it is done once.
 *
 * @param around `what` says what could not be done in the end
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`, and what aborts the signal
 */
export async function askPatiently<Answer>(
  call: () => Promise<Answer>,
  around: {
    readonly what: string;
    readonly clock: Clock;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    around.signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (isSpawnError(error)) throw error;
      const kind = error instanceof StoreFailure ? error.kind : "fatal";
      const isFinal = kind === "fatal" || kind === "rows";
      if (isFinal || attempt === ATTEMPTS_MAX) {
        const message = `${around.what}: ${describeThrown(error)}`;
        throw new SpawnError("STATESTORE_UNAVAILABLE", message, { cause: error });
      }
      await sleep(around.clock, RETRY_MS * 2 ** attempt);
    }
  }
}

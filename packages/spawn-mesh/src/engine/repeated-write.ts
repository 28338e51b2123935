/** Changes of messages that no commit makes, and how often they may be tried. */
import { sleep } from "./clock.ts";
import type { Clock, Random } from "./clock.ts";
import { SpawnError, describeThrown, isSpawnError } from "./errors.ts";
import type { EventListener } from "./events.ts";
import { exponentialBackoffMs } from "./exponential-backoff.ts";
import type { Limits } from "./limits.ts";
import { StoreFailure } from "./statestore.ts";

export interface RepeatedWriteParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
}

/**
 * Repeats a write until it is certain that it was done, for as long as a commit is repeated. Done
 * twice it must be as if it was done once.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE` when it certainly was not done, `UNKNOWN_OUTCOME` when
 * it may have been
 */
export async function repeatWrite<Answer>(
  parts: RepeatedWriteParts,
  write: () => Promise<Answer>,
): Promise<Answer> {
  return await tryWrite(parts, write, true);
}

/**
 * As {@link repeatWrite}, but repeats it only while it certainly was not done: what it stores may be
 * delivered and gone by the time it is known that its answer was lost.
 */
export async function writeOnce<Answer>(
  parts: RepeatedWriteParts,
  write: () => Promise<Answer>,
): Promise<Answer> {
  return await tryWrite(parts, write, false);
}

async function tryWrite<Answer>(
  parts: RepeatedWriteParts,
  write: () => Promise<Answer>,
  mayRepeatInDoubt: boolean,
): Promise<Answer> {
  const { clock, random, limits, emit } = parts;
  const giveUpAt = clock.monotonic() + limits.storeRetryMs;
  let isAmbiguous = false;
  for (let attempt = 0; ; attempt++) {
    try {
      return await write();
    } catch (cause) {
      if (isSpawnError(cause)) throw cause;
      emit({ type: "store-failed", operation: "messages", cause });
      const kind = cause instanceof StoreFailure ? cause.kind : "ambiguous";
      isAmbiguous ||= kind === "ambiguous";
      const mayRepeat = kind === "retry" || (kind === "ambiguous" && mayRepeatInDoubt);
      if (!mayRepeat || clock.monotonic() >= giveUpAt) throw failure(cause, isAmbiguous);
      await sleep(clock, exponentialBackoffMs(attempt, random));
    }
  }
}

function failure(cause: unknown, isAmbiguous: boolean): SpawnError {
  const what = `the messages were not stored: ${describeThrown(cause)}`;
  return isAmbiguous
    ? new SpawnError("UNKNOWN_OUTCOME", what, { applied: "unknown", cause })
    : new SpawnError("STATESTORE_UNAVAILABLE", what, { cause });
}

/** Changes of messages that no commit makes, and how often they may be tried. */
import { sleep } from "../clock.ts";
import type { Clock, Random } from "../clock.ts";
import { SpawnError, describeThrown, isSpawnError } from "../errors.ts";
import type { EventListener } from "../events.ts";
import { exponentialBackoffMs } from "../time/exponential-backoff.ts";
import type { Limits } from "../limits.ts";
import type { Message } from "../message-store.ts";
import { StoreFailure } from "../statestore.ts";
import type { StoreFailureKind } from "../statestore.ts";
import type { Statestore } from "../statestore.ts";

export interface RepeatedWriteParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
}

/**
 * Repeats a write of messages until it is certain that it was done, for as long as a commit is repeated.
 * Done twice, also long afterwards, it has to be as if it was done once.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE` when it certainly was not done, `PAYLOAD_TOO_LARGE` when it
 * never can be, `UNKNOWN_OUTCOME` when it may have been
 */
export async function repeatWrite<Answer>(
  parts: RepeatedWriteParts,
  write: () => Promise<Answer>,
): Promise<Answer> {
  return await tryWrite(parts, write, ["retry", "ambiguous"]);
}

/**
 * Stores messages that no commit sends. It is repeated only while it certainly was not done: a request
 * whose answer is lost may arrive late, when the message is delivered and gone, and would send it again.
 *
 * @throws {SpawnError} as {@link repeatWrite}
 */
export async function storeMessages(
  parts: RepeatedWriteParts & { readonly store: Statestore },
  messages: readonly Message[],
): Promise<void> {
  await tryWrite(parts, () => parts.store.messages.send(messages), ["retry"]);
}

async function tryWrite<Answer>(
  { clock, random, limits, emit }: RepeatedWriteParts,
  write: () => Promise<Answer>,
  repeatable: readonly StoreFailureKind[],
): Promise<Answer> {
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
      if (!repeatable.includes(kind) || clock.monotonic() >= giveUpAt)
        throw failure(cause, isAmbiguous);
      await sleep(clock, exponentialBackoffMs(attempt, random));
    }
  }
}

function failure(cause: unknown, isAmbiguous: boolean): SpawnError {
  const what = `the messages were not stored: ${describeThrown(cause)}`;
  if (isAmbiguous) return new SpawnError("UNKNOWN_OUTCOME", what, { applied: "unknown", cause });
  const isTooLarge = cause instanceof StoreFailure && cause.kind === "rows";
  return new SpawnError(isTooLarge ? "PAYLOAD_TOO_LARGE" : "STATESTORE_UNAVAILABLE", what, {
    cause,
  });
}

/** Writes that may be repeated: done twice they are done once, unless what they wrote is gone by then. */
import { sleep } from "./clock.ts";
import type { Clock, Random } from "./clock.ts";
import { SpawnError, describeThrown, isSpawnError } from "./errors.ts";
import type { EventListener } from "./events.ts";
import { exponentialBackoffMs } from "./exponential-backoff.ts";
import type { Limits } from "./limits.ts";
import type { Message } from "./message-store.ts";
import { StoreFailure } from "./statestore.ts";
import type { Statestore } from "./statestore.ts";

export interface RepeatedWriteParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
}

/**
 * Repeats a write of messages until it is certain that it was done, for as long as a commit is repeated.
 *
 * @param isRepeatable whether it still makes no difference if it was done before
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE` when it certainly was not done, `UNKNOWN_OUTCOME` when
 * it may have been
 */
export async function repeatWrite<Answer>(
  parts: RepeatedWriteParts,
  write: () => Promise<Answer>,
  isRepeatable: () => boolean = () => true,
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
      const mayRepeat = kind === "ambiguous" || kind === "retry";
      if (!mayRepeat || clock.monotonic() >= giveUpAt) throw failure(cause, isAmbiguous);
      await sleep(clock, exponentialBackoffMs(attempt, random));
      if (isAmbiguous && !isRepeatable()) throw failure(cause, isAmbiguous);
    }
  }
}

/**
 * Stores messages that no commit sends. A message that is due may be delivered and gone; stored again it
 * would be done twice.
 *
 * @throws {SpawnError} as {@link repeatWrite}
 */
export async function storeMessages(
  parts: RepeatedWriteParts & { readonly store: Statestore },
  messages: readonly Message[],
): Promise<void> {
  const dueAt = Math.min(...messages.map((message) => message.dueAt));
  await repeatWrite(
    parts,
    () => parts.store.messages.send(messages),
    () => parts.clock.wall() < dueAt,
  );
}

function failure(cause: unknown, isAmbiguous: boolean): SpawnError {
  const what = `the messages were not stored: ${describeThrown(cause)}`;
  return isAmbiguous
    ? new SpawnError("UNKNOWN_OUTCOME", what, { applied: "unknown", cause })
    : new SpawnError("STATESTORE_UNAVAILABLE", what, { cause });
}

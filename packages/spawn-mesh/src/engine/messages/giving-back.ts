/** Messages that are given back to the statestore as they were: their delivery has told nothing of them. */
import type { Clock } from "../clock.ts";
import type { EventListener } from "../events.ts";
import type { Limits } from "../limits.ts";
import type { Postponement, StoredMessage } from "../message-store.ts";
import type { Statestore } from "../statestore.ts";

/** Why a message waits of which nothing is told: from that everybody knows that its time had come. */
export const NOTHING_TOLD = "it was left for later before anything was known of it";

export function postponed(message: StoredMessage, dueAt: number): Postponement {
  const { id, sentAt, attempts, error = NOTHING_TOLD } = message;
  return { id, sentAt, dueAt, attempts, error };
}

/** For one that was claimed and not tried: that was no attempt. */
export function untriedOf(message: StoredMessage, dueAt: number): Postponement {
  return postponed({ ...message, attempts: message.attempts - 1 }, dueAt);
}

/**
 * Lets messages be due at once for whoever comes next, so that nobody has to wait until it is certain that
 * this process does not deliver them. A statestore that does not answer keeps nobody from stopping.
 */
export async function handBack(
  parts: {
    readonly store: Statestore;
    readonly clock: Clock;
    readonly limits: Limits;
    readonly emit: EventListener;
  },
  messages: readonly StoredMessage[],
): Promise<void> {
  const { store, clock, emit, limits } = parts;
  const dueAt = clock.wall();
  const postponements = messages
    .filter(({ headers }) => headers.repeat === undefined)
    .map((message) => postponed(message, dueAt));
  if (postponements.length === 0) return;
  const written = store.messages
    .postpone(postponements)
    .catch((cause: unknown) => emit({ type: "store-failed", operation: "messages", cause }));
  const late = Promise.withResolvers<void>();
  const timer = clock.timer(limits.storeRetryMs, late.resolve);
  await Promise.race([written, late.promise]);
  timer.cancel();
}

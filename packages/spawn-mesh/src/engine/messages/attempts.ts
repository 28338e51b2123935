/** How long a message waits between two attempts to deliver it, and what is said when there were enough. */
import { SpawnError } from "../errors.ts";
import { NOTHING_TOLD } from "./giving-back.ts";
import type { MessageClaim, StoredMessage } from "../message-store.ts";

/** How long a message waits that was claimed or has failed: doubled with each attempt. */
export const RETRY: MessageClaim["retry"] = { firstMs: 1_000, maxMs: 5 * 60_000 };

/**
 * For how much longer a message is left to this process that is still under way when it is due again,
 * in milliseconds.
 */
export const LONG_DELIVERY_MS = 30_000;

/** How long a message waits that has failed so often, in milliseconds. */
export function waitAfter(attempts: number): number {
  return Math.min(RETRY.maxMs, RETRY.firstMs * 2 ** (attempts - 1));
}

/** It was claimed too often and never came to an end: its process ended before that. */
export function wornOut({ attempts, error }: StoredMessage): SpawnError {
  const isTold = error !== undefined && error !== NOTHING_TOLD;
  const why = isTold ? error : "the process ended each time while it was being delivered";
  return new SpawnError("INTERNAL", `given up after ${attempts - 1} attempts: ${why}`);
}

/** What the metadata of a call says about how it is to be made; it travels with the call all the same. */
import { SpawnError, TIMEOUT_MS_MAX } from "spawn-mesh/engine";
import type { CallOptions } from "spawn-mesh/engine";
import { besideKey } from "./beside-key.ts";

const TIMEOUT_KEY = "request-timeout";
export const IDEMPOTENCY_KEY = "idempotency-key";

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function optionsOfMetadata(metadata: Readonly<Record<string, string>>): CallOptions {
  const timeout = metadata[TIMEOUT_KEY];
  const idempotencyKey = metadata[IDEMPOTENCY_KEY];
  return {
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(timeout !== undefined && {
      deadlineMs: besideKey({ idempotencyKey }, () => timeoutOf(timeout)),
    }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

function timeoutOf(text: string): number {
  const timeoutMs = Number(text);
  if (/^\d{1,15}$/.test(text) && timeoutMs >= 1) return Math.min(timeoutMs, TIMEOUT_MS_MAX);
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `metadata ${TIMEOUT_KEY}: expected milliseconds, at least 1, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

/**
 * What a refusal at a door says of a request with an idempotency key: the same request may have come before,
 * when it was let in, and may have been applied.
 */
import { SpawnError, isSpawnError } from "spawn-mesh/engine";
import type { CallOptions } from "spawn-mesh/engine";

type Key = Pick<CallOptions, "idempotencyKey">;

/** Refuses what does not let a request in, now or when a promise is rejected. */
export function besideKey<Checked>(options: Key, check: () => Checked): Checked {
  if (options.idempotencyKey === undefined) return check();
  try {
    const checked = check();
    if (!(checked instanceof Promise)) return checked;
    return checked.catch((error: unknown) => {
      throw inDoubt(options, error);
    }) as Checked;
  } catch (error) {
    throw inDoubt(options, error);
  }
}

/** The refusal as it is for a request with that key, if it has one. */
export function inDoubt<Refusal>({ idempotencyKey }: Key, refusal: Refusal): Refusal | SpawnError {
  if (idempotencyKey === undefined || !isSpawnError(refusal) || refusal.applied !== "no") {
    return refusal;
  }
  const { code, message, retryable } = refusal;
  const text = message.replace(`[${code}] `, "");
  return new SpawnError(code, text, { applied: "unknown", retryable, cause: refusal });
}

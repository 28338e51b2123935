/** The outcome of what is done once, as it is stored. */
import type { Clock } from "../clock.ts";
import type { SpawnError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { RememberedOutcome, StoredMessage } from "../message-store.ts";
import type { StoredReply } from "../statestore.ts";
import { textOfValue } from "../values/value-text.ts";

/** What became of it. */
export interface Outcome {
  readonly kind: StoredReply["kind"];
  readonly value: unknown;
}

export interface StoredOutcomeParts {
  readonly clock: Clock;
  readonly limits: Limits;
}

/** An outcome with its key; its value is left out when it is too large to be kept. */
export function storedOutcome(
  { key, fingerprint }: Pick<StoredReply, "key" | "fingerprint">,
  { kind, value }: Outcome,
  { clock, limits }: StoredOutcomeParts,
): StoredReply {
  const text = value === undefined ? null : textOfValue(value);
  const isTooLarge = text !== null && text.length > limits.storedReplyUnitsMax;
  return {
    key,
    fingerprint,
    kind,
    reply: isTooLarge ? undefined : text,
    expiresAt: clock.wall() + limits.idempotencyRetentionMs,
  };
}

/** How a failure is stored. */
export function failedOutcome({ code, message, failure }: SpawnError): Outcome {
  return { kind: "failed", value: { code, message: message.replace(`[${code}] `, ""), failure } };
}

/** The outcome of a step that its target does not store; `undefined` when nobody asks for it by a key. */
export function outcomeOfStep(
  { id, headers }: StoredMessage,
  outcome: Outcome,
  parts: StoredOutcomeParts,
): RememberedOutcome | undefined {
  const actor = headers.rememberedBy;
  return actor && { actor, reply: storedOutcome({ key: id, fingerprint: "" }, outcome, parts) };
}

/** The options of a call, and what is wrong with them. */
import type { ActorDefinition } from "../actor-definition.ts";
import { utf8Length } from "../actor-id.ts";
import { SpawnError, isSpawnError, messageOf } from "../errors.ts";
import { TIMEOUT_MS_MAX, checkWholeNumber } from "../limits.ts";
import { noSuchOption } from "../option-names.ts";
import type { InvokeRequest } from "../activations/action-context.ts";
import type { SendRequest } from "../messages/send-options.ts";
import { checkTextRecord } from "../values/text-record.ts";
import { copyBounded } from "../values/values.ts";

/** Time for a call when nothing else is said, in milliseconds. */
export const DEADLINE_MS_DEFAULT = 60_000;

/** Options of a call, apart from what is called. */
export type CallOptions = Pick<
  InvokeRequest,
  "deadlineMs" | "idempotencyKey" | "signal" | "metadata" | "async" | "delayMs" | "scheduledTo"
>;

const OPTION_NAMES: readonly string[] = [
  "deadlineMs",
  "idempotencyKey",
  "signal",
  "metadata",
  "async",
  "delayMs",
  "scheduledTo",
];

/** @throws {SpawnError} `INVALID_ARGUMENT` for an option that makes no sense, `CANCELLED` for an aborted signal */
export function checkOptions(options: CallOptions): void {
  besideKey(options, () => checkEach(options));
}

function checkEach(options: CallOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new SpawnError("INVALID_ARGUMENT", `options: expected an object, got ${String(options)}`);
  }
  for (const option in options) {
    if (!OPTION_NAMES.includes(option)) throw noSuchOption("options", option, OPTION_NAMES);
  }
  const { deadlineMs, signal, async: isAsync } = options;
  if (isAsync !== undefined && typeof isAsync !== "boolean") {
    throw new SpawnError("INVALID_ARGUMENT", "options.async: expected a boolean");
  }
  if (deadlineMs !== undefined)
    checkWholeNumber("deadlineMs", deadlineMs, { min: 1, max: TIMEOUT_MS_MAX });
  if (signal === undefined) return;
  if (!(signal instanceof AbortSignal)) {
    throw new SpawnError("INVALID_ARGUMENT", "options.signal: expected an AbortSignal");
  }
  if (signal.aborted) throw new SpawnError("CANCELLED", "the signal was aborted before the call");
}

/**
 * Refuses what does not belong to a request with a key: the same request may have come before without
 * that fault, and may have been applied.
 */
export function besideKey<Checked>(
  options: Pick<CallOptions, "idempotencyKey"> | undefined,
  check: () => Checked,
): Checked {
  try {
    return check();
  } catch (error) {
    if (appliedBefore(options) === "no" || !isSpawnError(error)) throw error;
    throw new SpawnError(error.code, messageOf(error), { applied: "unknown", cause: error });
  }
}

/** Whether a call is to be delivered later, as a message. */
export function isScheduled(options: CallOptions | null): boolean {
  if (options === null) return false;
  const { delayMs, scheduledTo } = options;
  return delayMs !== undefined || scheduledTo !== undefined;
}

/**
 * The message of a call that is to be delivered later.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for an idempotency key: such a call has no reply to remember
 */
export function scheduledMessage(request: InvokeRequest): SendRequest {
  const { idempotencyKey, async: _, deadlineMs: __, signal: ___, ...sent } = request;
  if (idempotencyKey === undefined) return sent;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    "options.idempotencyKey: a call for later has no reply to remember; expected no key with delayMs or scheduledTo",
  );
}

/** What is certain of a call that is not let in: with a key, an earlier call may have been applied. */
export function appliedBefore(options: CallOptions | undefined): "no" | "unknown" {
  return options?.idempotencyKey === undefined ? "no" : "unknown";
}

/** The request of a call by names. @throws {SpawnError} `INVALID_ARGUMENT` if it names no action */
export function checkRequest(request: InvokeRequest): InvokeRequest {
  if (typeof request !== "object" || request === null || typeof request.action !== "string") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "expected { action, payload } with the name of an action",
    );
  }
  return request;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for a key that is no text, empty, too long, or that nobody can remember */
export function checkKey(key: unknown, bytesMax: number, { name, state }: ActorDefinition): void {
  if (state === undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `idempotencyKey: ${name} has no state, so it cannot remember which keys it has seen`,
    );
  }
  if (typeof key === "string" && key.isWellFormed() && key !== "" && utf8Length(key) <= bytesMax) {
    return;
  }
  const got = typeof key === "string" ? `${key.length} characters` : typeof key;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `idempotencyKey: expected 1 to ${bytesMax} bytes of text, got ${got}`,
  );
}

/** A copy of the metadata of a call. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
export function copyMetadata(
  metadata: unknown,
  bytesMax: number,
): Readonly<Record<string, string>> {
  const copied = copyBounded(metadata, "metadata", bytesMax);
  checkTextRecord("metadata", copied);
  return Object.freeze(copied);
}

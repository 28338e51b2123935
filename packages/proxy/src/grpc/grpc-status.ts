/** What a client of gRPC learns of an error: the status code that says it best, and our own in trailers. */
import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { CallOptions, ErrorCode, SpawnError } from "spawn-mesh/engine";
import { inDoubt } from "../beside-key.ts";
import { asSpawnError } from "../http/answers.ts";

/** The status code for every error code. The HTTP status is in the table of the engine. */
const grpcStatus: Readonly<Record<ErrorCode, status>> = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  UNAUTHORIZED: status.PERMISSION_DENIED,
  ACTOR_NOT_FOUND: status.NOT_FOUND,
  ACTION_NOT_FOUND: status.UNIMPLEMENTED,
  ALREADY_REGISTERED: status.ALREADY_EXISTS,
  PAYLOAD_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  ACTION_FAILED: status.UNKNOWN,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  OVERLOADED: status.RESOURCE_EXHAUSTED,
  NOT_OWNER: status.UNAVAILABLE,
  CYCLE: status.FAILED_PRECONDITION,
  IDEMPOTENCY_CONFLICT: status.FAILED_PRECONDITION,
  UNKNOWN_OUTCOME: status.UNKNOWN,
  STATESTORE_UNAVAILABLE: status.UNAVAILABLE,
  STATE_CORRUPT: status.DATA_LOSS,
  KEY_COLLISION: status.INTERNAL,
  NODE_UNAVAILABLE: status.UNAVAILABLE,
  HOST_UNAVAILABLE: status.UNAVAILABLE,
  SHUTTING_DOWN: status.UNAVAILABLE,
  INTERNAL: status.INTERNAL,
};

/** Nobody knows who makes the call: gRPC itself has a status for it, and none of our codes has. */
export class Unauthenticated extends Error {
  readonly refusal: SpawnError;

  constructor(refusal: SpawnError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Characters of an error text that leave: it travels in a header. */
const STATUS_TEXT_LENGTH_MAX = 2_000;

/**
 * An error as grpc-js sends it. The trailers `spawn-error` and `spawn-applied` say what a status cannot.
 *
 * @param key that of a call which is not let in
 */
export function serviceError(
  thrown: unknown,
  key: Pick<CallOptions, "idempotencyKey"> = {},
): ServiceError {
  const isUnknown = thrown instanceof Unauthenticated;
  const error = inDoubt(key, isUnknown ? thrown.refusal : asSpawnError(thrown));
  const metadata = new Metadata();
  metadata.set("spawn-error", error.code);
  metadata.set("spawn-applied", error.applied);
  const code = isUnknown ? status.UNAUTHENTICATED : grpcStatus[error.code];
  return serviceErrorOf(code, error.message, metadata);
}

/** The answer to what is declared and not served yet. */
export function unimplemented(what: string): ServiceError {
  return serviceErrorOf(status.UNIMPLEMENTED, what, new Metadata());
}

function serviceErrorOf(code: status, text: string, metadata: Metadata): ServiceError {
  const details = text.slice(0, STATUS_TEXT_LENGTH_MAX).toWellFormed();
  return Object.assign(new Error(details), { code, details, metadata });
}

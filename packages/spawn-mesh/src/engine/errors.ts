/**
 * The one error class and its closed set of codes.
 *
 * `code` is stable and part of semver, the text is not. `applied` says whether the action's change
 * is in the statestore: `yes` and `no` are never wrong. `unknown` is said when the outcome of a commit
 * that was sent could not be learnt in time, and of a call with an idempotency key that was refused
 * before the key was looked up, since an earlier call may have been applied. One class with string codes and
 * one table is connect-es's idea; who is to blame for a code is miniflare's.
 */

/** Whether the change of the action is committed: never wrong when `yes` or `no`. */
export type Applied = "yes" | "no" | "unknown";

/** The closed set of error codes. */
export type ErrorCode =
  | "INVALID_ARGUMENT"
  | "UNAUTHORIZED"
  | "ACTOR_NOT_FOUND"
  | "ACTION_NOT_FOUND"
  | "ALREADY_REGISTERED"
  | "PAYLOAD_TOO_LARGE"
  | "ACTION_FAILED"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED"
  | "OVERLOADED"
  | "NOT_OWNER"
  | "CYCLE"
  | "IDEMPOTENCY_CONFLICT"
  | "UNKNOWN_OUTCOME"
  | "STATESTORE_UNAVAILABLE"
  | "STATE_CORRUPT"
  | "KEY_COLLISION"
  | "NODE_UNAVAILABLE"
  | "HOST_UNAVAILABLE"
  | "SHUTTING_DOWN"
  | "INTERNAL";

/** What is true of an error code. */
export interface CodeFacts {
  /** One line of meaning. */
  readonly meaning: string;
  /** Who has to change something. */
  readonly blame: "caller" | "actor" | "platform" | "us";
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** The HTTP status that says it best. */
  readonly http: number;
}

/** Every code with its facts: the reference table of the documentation. */
export const errorCodes: Readonly<Record<ErrorCode, CodeFacts>> = {
  INVALID_ARGUMENT: {
    meaning: "a name, payload, reply, state or option is malformed",
    blame: "caller",
    retryable: false,
    http: 400,
  },
  UNAUTHORIZED: { meaning: "the policy says no", blame: "caller", retryable: false, http: 403 },
  ACTOR_NOT_FOUND: {
    meaning: "no such system, or no such actor in it",
    blame: "caller",
    retryable: false,
    http: 404,
  },
  ACTION_NOT_FOUND: {
    meaning: "the actor has no such action",
    blame: "caller",
    retryable: false,
    http: 404,
  },
  ALREADY_REGISTERED: {
    meaning: "the name is taken by another definition or system",
    blame: "caller",
    retryable: false,
    http: 409,
  },
  PAYLOAD_TOO_LARGE: {
    meaning: "a payload, reply or state is above its limit",
    blame: "caller",
    retryable: false,
    http: 413,
  },
  ACTION_FAILED: {
    meaning: "the action threw or returned a failure; nothing changed",
    blame: "actor",
    retryable: false,
    http: 500,
  },
  DEADLINE_EXCEEDED: {
    meaning: "the deadline passed before the result was handed to a commit",
    blame: "platform",
    retryable: true,
    http: 504,
  },
  CANCELLED: {
    meaning: "the caller gave up, or the run is over",
    blame: "caller",
    retryable: false,
    http: 499,
  },
  OVERLOADED: {
    meaning: "a queue is full, or too slow for the time that the call has",
    blame: "platform",
    retryable: true,
    http: 429,
  },
  NOT_OWNER: {
    meaning: "another node owns the actor; never reaches a caller",
    blame: "platform",
    retryable: true,
    http: 409,
  },
  CYCLE: {
    meaning: "the actor called waits, directly or not, for this very call",
    blame: "caller",
    retryable: false,
    http: 409,
  },
  IDEMPOTENCY_CONFLICT: {
    meaning: "the idempotency key was used with another action or payload",
    blame: "caller",
    retryable: false,
    http: 409,
  },
  UNKNOWN_OUTCOME: {
    meaning: "the time ended before the outcome of the commit was learnt",
    blame: "platform",
    retryable: true,
    http: 504,
  },
  STATESTORE_UNAVAILABLE: {
    meaning: "the statestore cannot be reached, is full, or is refused to us",
    blame: "platform",
    retryable: true,
    http: 503,
  },
  STATE_CORRUPT: {
    meaning:
      "a stored state cannot be read by this program; it is left untouched until it is restored or deleted",
    blame: "platform",
    retryable: false,
    http: 500,
  },
  KEY_COLLISION: {
    meaning: "the row found under this key belongs to another name",
    blame: "platform",
    retryable: false,
    http: 500,
  },
  NODE_UNAVAILABLE: {
    meaning: "the node that owns the actor cannot be reached",
    blame: "platform",
    retryable: true,
    http: 503,
  },
  HOST_UNAVAILABLE: {
    meaning: "the process that runs the actor's code cannot be reached",
    blame: "platform",
    retryable: true,
    http: 503,
  },
  SHUTTING_DOWN: {
    meaning: "the system is stopping or stopped",
    blame: "platform",
    retryable: true,
    http: 503,
  },
  INTERNAL: { meaning: "a defect of Spawn Mesh", blame: "us", retryable: false, http: 500 },
};

/** A failure that an action returned: a code of its own and optional data. */
export interface FailureValue {
  /** The actor's own code, for example `closed`. */
  readonly code: string;
  /** JSON data that goes with it. */
  readonly data: unknown;
}

/** What is known of a failure besides its code and its message. */
export interface SpawnErrorOptions {
  /** Whether the change is committed. Default `no`. */
  readonly applied?: Applied;
  /** Whether the same call may succeed later. Default: what is true of the code. */
  readonly retryable?: boolean;
  /** The error underneath. */
  readonly cause?: unknown;
  /** What the action returned, for `ACTION_FAILED` from a returned failure. */
  readonly failure?: FailureValue | undefined;
}

/** Every error of the platform. Recognise it with {@link isSpawnError}, decide by `code`. */
export class SpawnError extends Error {
  readonly code: ErrorCode;
  /** Whether the change of the action is committed. */
  readonly applied: Applied;
  /** Whether the same call may succeed later. With an idempotency key a retry is always safe. */
  readonly retryable: boolean;
  /** The failure that the action returned, if it did. */
  readonly failure: FailureValue | undefined;

  constructor(code: ErrorCode, message: string, options: SpawnErrorOptions = {}) {
    super(`[${code}] ${message}`, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "SpawnError";
    this.code = code;
    this.applied = options.applied ?? "no";
    // An error of another copy of the package may have a code that is not known here.
    const isKnown = Object.hasOwn(errorCodes, code);
    this.retryable = options.retryable ?? (isKnown && errorCodes[code].retryable);
    this.failure = options.failure;
  }

  /** With its text, which JSON leaves out of errors otherwise; without what is underneath. */
  toJSON(): object {
    const { name, code, message, applied, retryable, failure } = this;
    return { name, code, message, applied, retryable, failure };
  }
}

/** Whether `error` is a {@link SpawnError}, also one from another copy of the package. */
export function isSpawnError(error: unknown): error is SpawnError {
  return (
    error instanceof Error && error.name === "SpawnError" && "code" in error && "applied" in error
  );
}

/** The same error, whose text begins with where it came about: an actor, and an action of it. */
export function errorAt(place: string, error: SpawnError): SpawnError {
  const { code, applied, retryable, failure } = error;
  const underneath = "cause" in error ? { cause: error.cause } : undefined;
  const options = { applied, retryable, failure, ...underneath };
  return new SpawnError(code, `${place}: ${messageOf(error)}`, options);
}

/** The text of an error without its code, to be put behind another. */
export function messageOf(error: SpawnError): string {
  return error.message.replace(`[${error.code}] `, "");
}

/** A short text for any thrown value, for messages. */
export function describeThrown(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "a value that cannot be printed";
  }
}

import { SpawnError, describeThrown } from "./errors.ts";

/** Every bound of the engine. All of them can be changed at the start of a system. */
export interface Limits {
  /** Invocations that wait for one actor. Default 1 000; beyond it calls get `OVERLOADED`. */
  readonly mailboxLengthMax: number;
  /**
   * Memory of the payloads that wait for one actor, in UTF-16 units of text, about; one may wait, however large.
   * Default 4 Mi; beyond it calls get `OVERLOADED`.
   */
  readonly mailboxUnitsMax: number;
  /** Invocations that wait in the whole system. Default 20 000; beyond it calls get `OVERLOADED`. */
  readonly queuedMax: number;
  /**
   * Memory of the messages that no commit sends and that wait to be stored, in UTF-16 units, about; one may wait,
   * however large. Default 64 Mi; beyond it a send gets `OVERLOADED`.
   */
  readonly unstoredUnitsMax: number;
  /** How late the event loop may be, in milliseconds, before a busy system refuses calls from outside. Default 200. */
  readonly loopLagMsMax: number;
  /** How much of the heap may be in use, in percent, before a busy system refuses calls from outside. Default 80. */
  readonly heapPercentMax: number;
  /** A payload or reply as JSON, in bytes. Default 1 MiB; a larger one is refused with `PAYLOAD_TOO_LARGE`. */
  readonly payloadBytesMax: number;
  /** A state as JSON, in UTF-16 units. Default 16 Mi; an action that makes a larger one fails with `PAYLOAD_TOO_LARGE`. */
  readonly stateUnitsMax: number;
  /** The tags of one actor as JSON, in UTF-16 units. Default 64 Ki; beyond it `PAYLOAD_TOO_LARGE`. */
  readonly tagsUnitsMax: number;
  /** The metadata of one call as JSON, in bytes. Default 64 KiB; beyond it `PAYLOAD_TOO_LARGE`. */
  readonly metadataBytesMax: number;
  /**
   * Actions of one actor that ran but are not handed to a commit yet, or without a state, whose messages are not stored
   * yet. Default 200; then its mailbox waits.
   */
  readonly speculationMax: number;
  /** Memory of those actions' replies, in UTF-16 units, about. Default 4 Mi. */
  readonly speculationUnitsMax: number;
  /** Actors in one group commit, and messages in a group of those that no commit sends. Default 512. */
  readonly commitRowsMax: number;
  /** States in one group commit, and messages in a group of those, in UTF-16 units. Default 1 Mi. */
  readonly commitUnitsMax: number;
  /**
   * What one actor may commit a second, in UTF-16 units of its state. Default 20 Mi: a state of 1 Mi is committed
   * 20 times a second at the most, however many actions change it. States that it lets commit more than 250 times
   * a second, by default those below 82 Ki, never wait.
   */
  readonly commitUnitsPerSecond: number;
  /**
   * Group commits in flight at once, and as many groups of such messages. Default 2: one is prepared while the other is
   * on its way to the disk.
   */
  readonly commitsInFlightMax: number;
  /** Actors in one load. Default 128. */
  readonly loadRowsMax: number;
  /** Loads in flight at once. Default 2. */
  readonly loadsInFlightMax: number;
  /** For how long a load or commit that was certainly not applied is tried again, in milliseconds. Default 5 000. */
  readonly storeRetryMs: number;
  /** For how long the outcome of a commit whose answer was lost is asked for, in milliseconds. Default 30 000. */
  readonly ambiguityMaxMs: number;
  /** How long a write-behind flush may take before changes get `STATESTORE_UNAVAILABLE`, in milliseconds. Default 1 000. */
  readonly flushMaxMs: number;
  /** How long an action may go on after its deadline before it is abandoned, in milliseconds. Default 5 000. */
  readonly actionGraceMs: number;
  /** Actors that wait for one another in a chain of calls. Default 32; beyond it a call gets `CYCLE`. */
  readonly chainLengthMax: number;
  /** For how long idempotency keys are remembered, in milliseconds. Default 24 hours. */
  readonly idempotencyRetentionMs: number;
  /**
   * The largest reply that is stored with an idempotency key, in UTF-16 units of JSON. Default 64 Ki; of a larger one a
   * repeated call is told `PAYLOAD_TOO_LARGE`, `applied: "yes"`.
   */
  readonly storedReplyUnitsMax: number;
  /** Bytes of an idempotency key. Default 256; a longer one is refused with `INVALID_ARGUMENT`. */
  readonly idempotencyKeyBytesMax: number;
  /** Messages that one run of an action may send, and that it may cancel. Default 10 000; beyond it `PAYLOAD_TOO_LARGE`. */
  readonly sendsMax: number;
  /**
   * Memory of the messages that one run may send, with names and metadata, in UTF-16 units, about. Default 16 Mi; beyond
   * it `PAYLOAD_TOO_LARGE`.
   */
  readonly sendsUnitsMax: number;
  /**
   * Messages that are under way at once; the others wait in the statestore. Half of them is kept for what is
   * found there: schedules, retries. Default 10 000.
   */
  readonly deliveriesMax: number;
  /** Of those, messages to one target: an actor, or a function outside. Default 500. */
  readonly deliveriesPerTargetMax: number;
  /** Of those, messages from one actor to one other in order, which wait for one another. Default 100. */
  readonly laneLengthMax: number;
  /** Messages in one claim, and claimed ones under way that have not taken long yet. Default 256. */
  readonly claimRowsMax: number;
  /** After how long a delivery has taken long, in milliseconds: then others are claimed besides it. Default 500. */
  readonly slowDeliveryMs: number;
  /**
   * For how long a message is delivered alone that may be the reason why its process ended, in
   * milliseconds; then the next one of these goes too. Others never wait for it. Default 5 000.
   */
  readonly doubtfulAloneMs: number;
  /**
   * Subscribers of a channel that get their messages in one change of the statestore; fewer when these are more than
   * `commitUnitsMax`. Default 256.
   */
  readonly subscribersAtOnceMax: number;
  /** Payloads in one claim, in UTF-16 units. Default 4 Mi. */
  readonly claimUnitsMax: number;
  /** Actors in which a call may go on by pipes and forwards, one after the other. Default 32; beyond it `CYCLE`. */
  readonly hopsMax: number;
  /** How long one attempt of a function outside may take, in milliseconds. Default 60 000. */
  readonly externalTimeoutMs: number;
  /** How often a message is tried before it is parked. Default 8. */
  readonly messageAttemptsMax: number;
  /**
   * For how long a message waits for an actor or a function that may still be registered, or for a system that
   * is not here, in milliseconds. Default 24 hours; then its attempts are counted.
   */
  readonly absentTargetMsMax: number;
}

const KI = 1024;
const MI = KI * KI;

/** The limits of a system that names none. */
export const defaultLimits: Limits = {
  mailboxLengthMax: 1_000,
  mailboxUnitsMax: 4 * MI,
  queuedMax: 20_000,
  unstoredUnitsMax: 64 * MI,
  loopLagMsMax: 200,
  heapPercentMax: 80,
  payloadBytesMax: MI,
  stateUnitsMax: 16 * MI,
  tagsUnitsMax: 64 * KI,
  metadataBytesMax: 64 * KI,
  speculationMax: 200,
  speculationUnitsMax: 4 * MI,
  commitRowsMax: 512,
  commitUnitsMax: MI,
  commitUnitsPerSecond: 20 * MI,
  commitsInFlightMax: 2,
  loadRowsMax: 128,
  loadsInFlightMax: 2,
  storeRetryMs: 5_000,
  ambiguityMaxMs: 30_000,
  flushMaxMs: 1_000,
  actionGraceMs: 5_000,
  chainLengthMax: 32,
  idempotencyRetentionMs: 24 * 60 * 60 * 1_000,
  storedReplyUnitsMax: 64 * KI,
  idempotencyKeyBytesMax: 256,
  sendsMax: 10_000,
  sendsUnitsMax: 16 * MI,
  deliveriesMax: 10_000,
  deliveriesPerTargetMax: 500,
  laneLengthMax: 100,
  claimRowsMax: 256,
  slowDeliveryMs: 500,
  doubtfulAloneMs: 5_000,
  subscribersAtOnceMax: 256,
  claimUnitsMax: 4 * MI,
  hopsMax: 32,
  externalTimeoutMs: 60_000,
  messageAttemptsMax: 8,
  absentTargetMsMax: 24 * 60 * 60 * 1_000,
};

/** The longest time-out that makes sense: what Node's timers can count to, about 24 days. */
export const TIMEOUT_MS_MAX: number = 2 ** 31 - 1;

/**
 * The defaults with `changes` put over them.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for a limit that does not exist or is not a positive whole number
 */
export function resolveLimits(changes: Partial<Limits> = {}): Limits {
  const limits: { -readonly [Name in keyof Limits]: number } = { ...defaultLimits };
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaultLimits, name)) {
      const names = Object.keys(defaultLimits).join(", ");
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `limits.${name}: there is no such limit; there are ${names}`,
      );
    }
    if (value === undefined) continue;
    checkWholeNumber(`limits.${name}`, value, { min: 1 });
    limits[name as keyof Limits] = value;
  }
  return Object.freeze(limits);
}

/** @throws {SpawnError} `INVALID_ARGUMENT` naming the option, what was expected and what came */
export function checkWholeNumber(
  option: string,
  value: unknown,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
): asserts value is number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${option}: expected a whole number from ${min} to ${max}, got ${shown(value)}`,
    );
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : describeThrown(value);
}

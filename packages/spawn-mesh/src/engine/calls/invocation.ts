import type { ActionDefinition } from "../actor-definition.ts";
import { formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { SpawnError, messageOf } from "../errors.ts";
import type { Applied } from "../errors.ts";
import type { StoredMessage } from "../message-store.ts";

/** What few invocations have; kept apart so that the others stay small. */
export interface InvocationDetails {
  /** The same key is applied at most once while it is remembered. */
  readonly idempotencyKey: string | undefined;
  /** Fingerprint of action and payload, when there is a key. */
  readonly fingerprint: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The actor whose action made this call. */
  readonly caller: ActorId | undefined;
  /** The actors that wait for this call, the first caller first: a call to one of them is a cycle. */
  readonly chain: readonly string[];
  /** The stored message that this delivers: the commit of what it does consumes it. */
  readonly message: StoredMessage | undefined;
  /** Whether nobody reads the reply: it came as a message, and not as a step of somebody's call. */
  readonly isUnread?: boolean;
}

/** With what a call goes on in another actor. */
export interface Step {
  /** The id of the message. */
  readonly id: string;
  readonly target: ActorId;
}

/** Receives the answer: exactly one of the two is called, once. */
export interface Caller {
  resolve(reply: unknown): void;
  /** @param hasRun whether it is the answer of the action's code */
  reject(error: SpawnError, hasRun?: boolean): void;
}

/**
 * One request to an actor.
 *
 * Its caller and its work end at different times: a caller may give up (deadline, signal) while the
 * work is queued, running or on its way to the statestore. `answered` is about the caller, `done`
 * about the work. What can be said about the change when the caller gives up follows from where the
 * work is: before it is handed to a commit the result is discarded, so `applied` is `no`.
 */
export class Invocation {
  readonly action: ActionDefinition;
  readonly payload: unknown;
  /** About how much memory the payload takes, in UTF-16 units. */
  readonly units: number;
  /** On the monotonic clock, in whole milliseconds, which take no memory of their own. */
  readonly deadlineAt: number;
  readonly details: InvocationDetails | undefined;
  /** The next one in the mailbox. */
  following: Invocation | undefined;
  /** What the action returned, until its commit is done. */
  reply: unknown;
  /** The step that answers the caller when the commit is done. */
  continuesAs: Step | undefined;
  /** What the caller is told when the commit is done, if it is not the reply. */
  refusal: SpawnError | undefined;
  /** Whether the action changed something that its commit has to store. */
  isChange = false;
  isAnswered = false;
  /** Whether the action's code has run, and not in vain. */
  hasRun = false;
  /** Whether what was called is applied and another actor will answer. */
  isElsewhere = false;
  /**
   * Whether it is known to be new: the statestore was asked and has no reply for its idempotency key,
   * and the message that it delivers is still there.
   */
  isNew = false;
  #isHandedOver = false;
  #isDone = false;
  readonly #caller: Caller;
  #onDone: (() => void) | undefined;
  #onAnswered: (() => void) | undefined;

  constructor(
    request: {
      readonly action: ActionDefinition;
      readonly payload: unknown;
      readonly units: number;
      readonly deadlineAt: number;
      readonly details: InvocationDetails | undefined;
    },
    caller: Caller,
  ) {
    this.action = request.action;
    this.payload = request.payload;
    this.units = request.units;
    this.deadlineAt = Math.ceil(request.deadlineAt);
    this.details = request.details;
    this.#caller = caller;
  }

  /** What tells whether it was done before: its idempotency key or its message; `undefined` if nobody can tell. */
  get onceKey(): string | undefined {
    return this.details?.idempotencyKey ?? this.details?.message?.id;
  }

  /** Calls `action` when the work has ended, however it ended. */
  onDone(action: () => void): void {
    this.#onDone = action;
  }

  /** Calls `action` when the caller has its answer. */
  onAnswered(action: () => void): void {
    this.#onAnswered = action;
  }

  /** From now on the outcome is the commit's. */
  handOver(reply: unknown): void {
    this.reply = reply;
    this.#isHandedOver = true;
  }

  /** The commit that would have held the result is off; the action has to run again. */
  takeBack(): void {
    this.reply = undefined;
    this.isChange = false;
    this.continuesAs = undefined;
    this.refusal = undefined;
    this.isNew = false;
    this.hasRun = false;
    this.#isHandedOver = false;
  }

  /** The work is done and committed. */
  succeed(reply: unknown): void {
    if (!this.isAnswered) {
      this.isAnswered = true;
      this.#caller.resolve(reply);
      this.#onAnswered?.();
    }
    this.end();
  }

  /** What was called is applied, and another actor will answer: nothing is left to do here. */
  goOn(): void {
    this.isElsewhere = true;
    this.end();
  }

  /** Whether nothing is left to do here: it is answered, or another actor answers it. */
  get isOver(): boolean {
    return this.isAnswered || this.isElsewhere;
  }

  /** The work has ended without success. */
  fail(error: SpawnError): void {
    if (!this.isAnswered) this.#reject(error);
    this.end();
  }

  /** It was not run, for a reason that is not its own. */
  refuse(reason: SpawnError): void {
    const { appliedBefore: applied } = this;
    this.fail(new SpawnError(reason.code, messageOf(reason), { applied, cause: reason }));
  }

  /** The caller waits no longer: `code`, or `UNKNOWN_OUTCOME` while a commit is under way. */
  giveUp(code: "DEADLINE_EXCEEDED" | "CANCELLED" | "SHUTTING_DOWN", reason: string): void {
    if (this.isAnswered) return;
    const isInDoubt = this.#isHandedOver && this.isChange && !this.isElsewhere;
    this.#reject(
      isInDoubt
        ? new SpawnError(
            "UNKNOWN_OUTCOME",
            `${reason} while the commit was under way; repeat the call with its idempotency key`,
            {
              applied: "unknown",
            },
          )
        : new SpawnError(code, reason, { applied: this.appliedBefore }),
    );
  }

  #reject(error: SpawnError): void {
    this.isAnswered = true;
    this.#caller.reject(error, this.hasRun);
    this.#onAnswered?.();
  }

  /**
   * What is certain about the change while this work has not reached a commit: `no`, except that a
   * key which was not looked up yet may have been applied by an earlier call. What goes on elsewhere
   * has reached its own.
   */
  get appliedBefore(): Applied {
    if (this.isElsewhere) return "yes";
    return this.details?.idempotencyKey === undefined || this.isNew ? "no" : "unknown";
  }

  /** The work has ended; whoever still waits is not answered. */
  end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#onDone?.();
  }
}

/** The callers whose time is up wait no longer. */
export function giveUpOverdue(
  invocations: Iterable<Invocation>,
  now: number,
  actor: ActorId,
): void {
  for (const invocation of invocations) {
    if (invocation.deadlineAt > now) continue;
    const { name } = invocation.action;
    const reason = `${formatActorId(actor)} ${name}: no answer within its deadlineMs`;
    invocation.giveUp("DEADLINE_EXCEEDED", reason);
  }
}

/** When the first of the callers that still wait runs out of time; `Infinity` if none does. */
export function earliestDeadline(invocations: Iterable<Invocation>): number {
  let earliest = Infinity;
  for (const { isAnswered, deadlineAt } of invocations) {
    if (!isAnswered) earliest = Math.min(earliest, deadlineAt);
  }
  return earliest;
}

/** Lets the caller give up when `signal` aborts; `at` is where its invocation may be. */
export function giveUpOnAbort(
  signal: AbortSignal,
  invocation: Invocation,
  at: { callerGaveUp(invocation: Invocation): void },
): void {
  if (invocation.isAnswered) return;
  const onAbort = (): void => {
    invocation.giveUp("CANCELLED", "the caller gave up");
    at.callerGaveUp(invocation);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  invocation.onAnswered(() => signal.removeEventListener("abort", onAbort));
}

/**
 * Invocations that are applied once however often they come, of one activation: those with an
 * idempotency key, and those that deliver a stored message.
 *
 * A key is looked up before its action runs, so that what was applied once is answered with the
 * reply of that time and no user code runs; a message that is not stored any more was consumed or
 * cancelled. While one of them is at work, others with the same key or message stand aside (R7); when
 * it has ended they come again, and find what it left.
 */
import type { ActorId } from "../actor-id.ts";
import { SpawnError } from "../errors.ts";
import type { ErrorCode, FailureValue } from "../errors.ts";
import type { Invocation } from "./invocation.ts";
import { isStored } from "../message-store.ts";
import type { Waiting } from "./admission.ts";
import type { Loader } from "../activations/loader.ts";
import { isSealed, unreadable } from "../sealed-rows.ts";
import type { StoredReply } from "../statestore.ts";
import { valueOfText } from "../values/value-text.ts";

export interface KeyedOwner {
  readonly id: ActorId;
  /** Takes an invocation that stood aside as if it had just come; it was let in before. */
  comesAgain(invocation: Invocation): void;
  /** The lookup of the first invocation in the mailbox may be done. */
  lookedUp(): void;
}

export class KeyedInvocations {
  readonly #owner: KeyedOwner;
  readonly #loader: Loader;
  readonly #goesOn: GoesOn;
  /** Key of an invocation at work → those that stand aside for it. */
  readonly #atWork = new Map<string, Invocation[]>();
  /** What is being asked; the number tells an answer that nobody waits for any more. */
  readonly #lookups = new Map<Invocation, number>();
  #lastLookup = 0;
  /** How many stand aside. */
  asideCount = 0;
  /** About how much memory their payloads take, in UTF-16 units. */
  asideUnits = 0;

  constructor(owner: KeyedOwner, loader: Loader, goesOn: GoesOn) {
    this.#owner = owner;
    this.#loader = loader;
    this.#goesOn = goesOn;
  }

  /** Whether the invocation may go on; otherwise it comes again when the one before it has ended. */
  admit(invocation: Invocation): boolean {
    const key = invocation.onceKey!;
    const aside = this.#atWork.get(key);
    if (aside !== undefined) {
      aside.push(invocation);
      this.asideCount++;
      this.asideUnits += invocation.units;
      return false;
    }
    this.#atWork.set(key, []);
    invocation.onDone(() => this.#release(key));
    return true;
  }

  /** Invocations that stand aside. */
  *aside(): Iterable<Invocation> {
    for (const invocations of this.#atWork.values()) yield* invocations;
  }

  /** Asks the statestore for the key and the message, unless it is being asked already. */
  lookUp(invocation: Invocation): void {
    if (this.#lookups.has(invocation)) return;
    const lookup = ++this.#lastLookup;
    this.#lookups.set(invocation, lookup);
    const isOver = (): boolean => {
      if (this.#lookups.get(invocation) !== lookup) return true;
      this.#lookups.delete(invocation);
      return false;
    };
    const { idempotencyKey: key, message } = invocation.details!;
    this.#loader.load(
      {
        actor: this.#owner.id,
        row: false,
        keys: key === undefined ? [] : [key],
        messages: message === undefined ? [] : [message.id],
      },
      {
        loaded: (answer) => {
          if (isOver()) return;
          const stored = answer.replies.find((reply) => reply.key === key);
          if (stored !== undefined) answerStored(invocation, stored, this.#goesOn);
          else if (message !== undefined && !isStored(message, answer))
            invocation.fail(messageGone());
          else invocation.isNew = true;
          this.#owner.lookedUp();
        },
        loadFailed: (error) => {
          if (isOver()) return;
          invocation.fail(
            new SpawnError(
              error.code,
              `what was applied before cannot be looked up: ${error.message}`,
              { cause: error, applied: "unknown" },
            ),
          );
          this.#owner.lookedUp();
        },
      },
    );
  }

  /** What waits in the mailbox, and here besides. */
  countWith({ id, queueLength, queueUnits }: Waiting): Waiting {
    return {
      id,
      queueLength: queueLength + this.asideCount,
      queueUnits: queueUnits + this.asideUnits,
    };
  }

  /** The answers to what is being asked are about a row that others have changed since. */
  forgetLookups(): void {
    this.#lookups.clear();
  }

  #release(key: string): void {
    const aside = this.#atWork.get(key) ?? [];
    this.#atWork.delete(key);
    // What was known of them was known before the one that has ended.
    for (const invocation of aside) invocation.isNew = false;
    this.asideCount -= aside.length;
    for (const { units } of aside) this.asideUnits -= units;
    for (const invocation of aside) this.#owner.comesAgain(invocation);
  }
}

/** The message was consumed, cancelled or parked since it was sent on its way. */
export function messageGone(): SpawnError {
  return new SpawnError("CANCELLED", "the message is not stored any more");
}

/**
 * Answers with what an earlier call with the same key was told, unless that call went on elsewhere:
 * then the answer is where it went, and comes later.
 */
export function answerStored(invocation: Invocation, stored: StoredReply, goesOn: GoesOn): void {
  const { fingerprint, idempotencyKey } = invocation.details!;
  if (isSealed(stored.reply)) {
    // Its fingerprint is encrypted with it, so nobody knows whether it is of the same request.
    const { message } = unreadable("the stored reply of the idempotency key", stored.reply);
    return invocation.fail(new SpawnError("STATE_CORRUPT", message, { applied: "unknown" }));
  }
  if (stored.fingerprint !== fingerprint) {
    return invocation.fail(
      new SpawnError(
        "IDEMPOTENCY_CONFLICT",
        `the idempotency key ${JSON.stringify(idempotencyKey)} was used with another action or payload`,
      ),
    );
  }
  answerWith(invocation, stored, goesOn);
}

/** As {@link answerStored}, where the key is known to be the same call's. */
export function answerWith(invocation: Invocation, stored: StoredReply, goesOn: GoesOn): void {
  if (stored.reply === undefined) {
    return invocation.fail(
      new SpawnError(
        "PAYLOAD_TOO_LARGE",
        "the call was applied before, but its reply was too large to be kept",
        { applied: "yes" },
      ),
    );
  }
  if (isSealed(stored.reply)) {
    const { message } = unreadable("the call was applied, but its stored reply", stored.reply);
    return invocation.fail(new SpawnError("STATE_CORRUPT", message, { applied: "yes" }));
  }
  let reply: unknown;
  try {
    reply = stored.reply === null ? undefined : valueOfText(stored.reply);
  } catch (cause) {
    const what = "the call was applied before, but its stored reply is damaged";
    return invocation.fail(new SpawnError("STATE_CORRUPT", what, { applied: "yes", cause }));
  }
  if (stored.kind === "reply") return invocation.succeed(reply);
  if (stored.kind === "failed") return invocation.fail(rememberedError(reply as RememberedError));
  goesOn(invocation, reply as ContinuedCall);
}

/** Where a call went on, as it is stored with its key. */
export interface ContinuedCall {
  readonly target: ActorId;
  readonly step: string;
  /** Who remembers what became of it, if the target cannot. */
  readonly rememberedBy: ActorId;
}

/** Receives calls whose answer is elsewhere. */
export type GoesOn = (invocation: Invocation, to: ContinuedCall) => void;

interface RememberedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly failure?: FailureValue;
}

function rememberedError({ code, message, failure }: RememberedError): SpawnError {
  return new SpawnError(code, message, { applied: "yes", ...(failure && { failure }) });
}

/**
 * What the statestore is told of a message when a delivery of it is over: that it has done its work, when it
 * is tried again, that it is parked.
 *
 * Each write is repeated while it may succeed. If it never does, the message is stored as before and will be
 * delivered again, and those behind it have to wait for that.
 */
import { waitAfter } from "./attempts.ts";
import { reasonOf } from "./delivery-verdict.ts";
import type { SpawnError } from "../errors.ts";
import { giveUp } from "./giving-up.ts";
import type { GivingUpParts } from "./giving-up.ts";
import type { Postponement, StoredMessage } from "../message-store.ts";
import { repeatWrite } from "./repeated-write.ts";
import { nextOccurrence, storedAs } from "./sending.ts";
import type { Outgoing } from "./sending.ts";
import { failedOutcome, outcomeOfStep } from "./stored-outcome.ts";

export class SettledMessages {
  readonly #parts: GivingUpParts;

  constructor(parts: GivingUpParts) {
    this.#parts = parts;
  }

  /**
   * It has done its work, and no commit says so: the actor has said no, or is elsewhere. A repeated message
   * comes again, or is parked if nobody here understands when. Answers whether that is stored.
   */
  async consume(message: StoredMessage, reply?: unknown): Promise<boolean> {
    const { store, clock, onStored } = this.#parts;
    let again: Outgoing | undefined;
    try {
      again = nextOccurrence(message, this.#parts);
    } catch (error) {
      return await this.park(message, error as Error);
    }
    const sent = { source: message.source, at: clock.wall(), graceMs: 0 };
    const next = again === undefined ? [] : [storedAs(again, sent)];
    const outcome = outcomeOfStep(message, { kind: "reply", value: reply }, this.#parts);
    const isDone = await this.#isDone(() => store.messages.replace(message, next, outcome));
    if (isDone) for (const { dueAt } of next) onStored(dueAt);
    return isDone;
  }

  /** The step has failed and is over, which whoever asks for it is to hear. Answers whether that is stored. */
  async endStep(message: StoredMessage, error: SpawnError): Promise<boolean> {
    const outcome = outcomeOfStep(message, failedOutcome(error), this.#parts);
    return await this.#isDone(() => this.#parts.store.messages.replace(message, [], outcome));
  }

  /**
   * It has failed and is tried again after a while.
   *
   * @param message with this attempt counted
   * @returns it with the time at which it is due
   */
  async retry(message: StoredMessage, error: SpawnError): Promise<StoredMessage> {
    const { store, clock, emit } = this.#parts;
    const { id, sentAt, target, action, attempts } = message;
    const dueAt = clock.wall() + waitAfter(attempts);
    emit({ type: "message-failed", id, target, action, attempts, dueAt, error });
    const postponement = { id, sentAt, dueAt, attempts, error: reasonOf(error) };
    const isDone = await this.#isDone(() => store.messages.postpone([postponement]));
    return isDone ? { ...message, dueAt } : message;
  }

  /**
   * It cannot be delivered. Answers whether it is put aside.
   *
   * @param message with all attempts counted
   */
  async park(message: StoredMessage, error: Error): Promise<boolean> {
    const id = await giveUp(this.#parts, message, reasonOf(error)).catch(() => undefined);
    if (id === undefined) return false;
    const { target, action } = message;
    this.#parts.emit({ type: "message-parked", id, target, action, error });
    return true;
  }

  /** Nothing was learnt of them: they are due at other times. */
  async postpone(postponements: readonly Postponement[]): Promise<void> {
    const { store, onStored } = this.#parts;
    await this.#isDone(() => store.messages.postpone(postponements));
    for (const { dueAt } of postponements) onStored(dueAt);
  }

  async #isDone(write: () => Promise<unknown>): Promise<boolean> {
    return await repeatWrite(this.#parts, write).then(
      () => true,
      () => false,
    );
  }
}

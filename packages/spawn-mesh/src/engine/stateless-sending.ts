/**
 * What actors without a state send and consume. There is no commit that it could go with, so it is
 * stored by itself, and only then does the reply leave. Nothing says in which order two runs are
 * stored, so these messages have no order.
 */
import type { ActorId } from "./actor-id.ts";
import type { DurableChange } from "./commit-pipeline.ts";
import type { SpawnError } from "./errors.ts";
import type { Message } from "./message-store.ts";
import type { Outbox } from "./outbox.ts";
import { repeatWrite, storeMessages } from "./repeated-write.ts";
import type { RepeatedWriteParts } from "./repeated-write.ts";
import { DELIVERY_GRACE_MS, isSurelySent, storedAs } from "./sending.ts";
import type { Outgoing } from "./sending.ts";
import type { Statestore } from "./statestore.ts";

export interface StatelessSendingParts extends RepeatedWriteParts {
  readonly store: Statestore;
  readonly outbox: Outbox;
}

export class StatelessSending {
  readonly #parts: StatelessSendingParts;

  constructor(parts: StatelessSendingParts) {
    this.#parts = parts;
  }

  /** Stores what a run sent, takes away what it consumed, and then answers its caller. */
  finish(source: ActorId, { invocation, reply, change }: DurableChange): void {
    const { outbox } = this.#parts;
    const { sends, message, step } = change;
    const isDirect = sends.every(isSurelySent);
    const messages = this.#messages(source, sends, isDirect ? DELIVERY_GRACE_MS : 0);
    this.#store(message?.id, messages).then(
      () => {
        invocation.continuesAs = step?.id;
        if (step === undefined) invocation.succeed(reply);
        else outbox.goesOn(invocation);
        outbox.committed(messages, isDirect && messages.length <= outbox.room);
        for (const outgoing of sends) if (!outgoing.isStored) outbox.fire(source, outgoing);
      },
      (error: SpawnError) => invocation.fail(error),
    );
  }

  /** Stores timers; those that are stored already stay as they are. */
  startTimers(source: ActorId, timers: readonly Outgoing[]): void {
    const messages = this.#messages(source, timers, 0);
    this.#store(undefined, messages).then(
      () => this.#parts.outbox.committed(messages, false),
      // The next activation tries again.
      () => undefined,
    );
  }

  #messages(source: ActorId, sends: readonly Outgoing[], graceMs: number): readonly Message[] {
    const at = this.#parts.clock.wall();
    return sends
      .filter(({ isStored }) => isStored)
      .map((outgoing) => ({ ...storedAs(outgoing, { source, at, graceMs }), isOrdered: false }));
  }

  async #store(consumed: string | undefined, messages: readonly Message[]): Promise<void> {
    const { store } = this.#parts;
    if (consumed !== undefined) {
      await repeatWrite(this.#parts, () => store.messages.replace(consumed, messages));
    } else if (messages.length > 0) {
      await storeMessages(this.#parts, messages);
    }
  }
}

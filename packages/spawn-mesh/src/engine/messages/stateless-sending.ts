/**
 * What actors without a state send and consume. There is no commit that it could go with, so it is
 * stored by itself, and only then does the reply leave. Nothing says in which order two runs are
 * stored, so these messages have no order.
 */
import type { ActorId } from "../actor-id.ts";
import { formatActorId } from "../actor-id.ts";
import type { Change } from "../commits/commit-batch.ts";
import type { DurableChange } from "../commits/commit-batch.ts";
import type { SpawnError } from "../errors.ts";
import type { Invocation } from "../calls/invocation.ts";
import { messageGone } from "../calls/keyed-invocations.ts";
import type { Message, MessageRef, RememberedOutcome } from "../message-store.ts";
import type { Outbox } from "./outbox.ts";
import type { MessageWriter } from "./message-writer.ts";
import { repeatWrite } from "./repeated-write.ts";
import type { RepeatedWriteParts } from "./repeated-write.ts";
import { DELIVERY_GRACE_MS, storedAs } from "./sending.ts";
import type { Outgoing } from "./sending.ts";
import type { Statestore } from "../statestore.ts";
import type { Watch, Watched } from "../time/watch.ts";

export interface StatelessSendingParts extends RepeatedWriteParts {
  readonly store: Statestore;
  readonly outbox: Outbox;
  readonly writer: MessageWriter;
  readonly watch: Watch;
}

/** How soon timers are stored again that could not be. */
const TIMERS_RETRY_MS = 1_000;

export class StatelessSending implements Watched {
  readonly #parts: StatelessSendingParts;
  /** Whose messages are being stored, and where they ran. */
  readonly #underWay = new Map<Invocation, ActorId>();
  #isStopped = false;
  dueAt: number = Infinity;

  constructor(parts: StatelessSendingParts) {
    this.#parts = parts;
  }

  /**
   * Stores what a run sent, takes away what it consumed, and then answers its caller.
   *
   * @param onEnd hears that nothing is under way any more
   */
  finish(source: ActorId, { invocation, reply, change }: DurableChange, onEnd: () => void): void {
    const { outbox } = this.#parts;
    const { sends, step } = change;
    const stored = sends.filter(({ isStored }) => isStored);
    const isDirect = outbox.reserve(source, stored);
    const messages = this.#messages(source, stored, isDirect ? DELIVERY_GRACE_MS : 0);
    invocation.isChange = true;
    invocation.continuesAs = step;
    invocation.handOver(reply);
    this.#begin(invocation, source);
    this.#storeChange(change, messages).then(
      (isCertain) => {
        this.#end(invocation);
        onEnd();
        if (isDirect) outbox.release(stored);
        if (step === undefined) invocation.succeed(reply);
        else outbox.goesOn(invocation);
        outbox.committed(messages, isDirect && isCertain ? stored : undefined);
        for (const outgoing of sends) if (!outgoing.isStored) outbox.fire(source, outgoing);
      },
      (error: SpawnError) => {
        this.#end(invocation);
        onEnd();
        if (isDirect) outbox.release(stored);
        invocation.fail(error);
      },
    );
  }

  /** Stores timers, however often that takes; those that are stored already stay as they are. */
  startTimers(source: ActorId, timers: readonly Outgoing[]): void {
    const messages = this.#messages(source, timers, 0);
    this.#store(messages).then(
      () => this.#parts.outbox.committed(messages, undefined),
      () =>
        void this.#parts.clock.timer(TIMERS_RETRY_MS, () => {
          if (!this.#isStopped) this.startTimers(source, timers);
        }),
    );
  }

  onDue(now: number): void {
    this.dueAt = Infinity;
    for (const [invocation, source] of this.#underWay) {
      if (invocation.isAnswered) continue;
      if (invocation.deadlineAt <= now) {
        const reason = `${formatActorId(source)} ${invocation.action.name}: no answer within its deadlineMs`;
        invocation.giveUp("DEADLINE_EXCEEDED", reason);
      } else {
        this.dueAt = Math.min(this.dueAt, invocation.deadlineAt);
      }
    }
  }

  /** The system ends; whoever still waits does not learn here what was stored. */
  forsake(reason: string): void {
    this.#isStopped = true;
    for (const invocation of this.#underWay.keys()) invocation.giveUp("SHUTTING_DOWN", reason);
  }

  #begin(invocation: Invocation, source: ActorId): void {
    this.#underWay.set(invocation, source);
    this.dueAt = Math.min(this.dueAt, invocation.deadlineAt);
    this.#parts.watch.add(this);
  }

  #end(invocation: Invocation): void {
    this.#underWay.delete(invocation);
    if (this.#underWay.size > 0) return;
    this.dueAt = Infinity;
    this.#parts.watch.delete(this);
  }

  #messages(source: ActorId, sends: readonly Outgoing[], graceMs: number): readonly Message[] {
    const at = this.#parts.clock.wall();
    return sends.map((outgoing) => ({
      ...storedAs(outgoing, { source, at, graceMs }),
      isOrdered: false,
    }));
  }

  /** Answers whether the messages certainly were stored. */
  async #storeChange(change: Change, messages: readonly Message[]): Promise<boolean> {
    const { message, cancels } = change;
    const cancelled = cancels.filter((id) => id !== message?.id);
    // Nothing can be stored together with this, so it comes first: done twice it is done once.
    if (cancelled.length > 0)
      await repeatWrite(this.#parts, () => this.#parts.store.messages.remove(cancelled));
    return await this.#store(messages, message, outcomeToRemember(change));
  }

  async #store(
    messages: readonly Message[],
    consumed?: MessageRef,
    outcome?: RememberedOutcome,
  ): Promise<boolean> {
    const { store, writer } = this.#parts;
    if (consumed === undefined) {
      if (messages.length > 0) await writer.store(messages);
      return true;
    }
    let tries = 0;
    const wasStored = await repeatWrite(this.#parts, () => {
      tries++;
      return store.messages.replace(consumed, messages, outcome);
    });
    if (!wasStored && tries === 1) throw messageGone();
    // At a later try it may be gone because of an earlier one, or because somebody cancelled it.
    return wasStored;
  }
}

/** What the actor that remembers for this one has to remember. */
function outcomeToRemember({ message, stored }: Change): RememberedOutcome | undefined {
  const actor = message?.headers.rememberedBy;
  return actor && stored && { actor, reply: stored };
}

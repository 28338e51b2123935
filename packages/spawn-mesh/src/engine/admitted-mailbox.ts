/** A mailbox whose contents are counted into the queues of the whole system. */
import type { ActorId } from "./actor-id.ts";
import type { Admission, Waiting } from "./admission.ts";
import type { Invocation } from "./invocation.ts";
import { Mailbox } from "./mailbox.ts";

export class AdmittedMailbox extends Mailbox {
  readonly #admission: Admission;

  constructor(admission: Admission) {
    super();
    this.#admission = admission;
  }

  /**
   * Counts an invocation in before it is pushed, perhaps later.
   *
   * @param waiting what waits for the actor, here and elsewhere
   * @throws {SpawnError} `OVERLOADED` when there is no room for it
   */
  enter(actor: ActorId, waiting: Waiting, invocation: Invocation): void {
    this.#admission.enter(actor, waiting, invocation);
  }

  /** Counts out one that was not pushed after all, or is taken to run. */
  leave(): void {
    this.#admission.leave(1);
  }

  /** Puts invocations that have to run again before all others, in their order. */
  putBack(invocations: readonly Invocation[]): void {
    this.#admission.reenter(invocations.length);
    this.pushFront(invocations);
  }

  /** Empties it. */
  empty(): Invocation[] {
    const all = this.takeAll();
    this.#admission.leave(all.length);
    return all;
  }

  /** Removes what nobody waits for any more, so that it takes no room. */
  sweep(): void {
    const all = this.empty();
    for (const invocation of all) if (invocation.isAnswered) invocation.end();
    this.putBack(all.filter(({ isAnswered }) => !isAnswered));
  }
}

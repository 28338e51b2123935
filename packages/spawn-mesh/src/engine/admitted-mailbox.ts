/** A mailbox whose contents are counted into the queues of the whole system. */
import type { EngineParts } from "./actor-type.ts";
import type { Invocation } from "./invocation.ts";
import { Mailbox } from "./mailbox.ts";

export abstract class AdmittedMailbox extends Mailbox {
  abstract readonly parts: Pick<EngineParts, "admission">;

  /** Puts invocations that have to run again before all others, in their order. */
  protected putBack(invocations: readonly Invocation[]): void {
    this.parts.admission.reenter(invocations.length);
    this.enqueueFirst(invocations);
  }

  /** Empties it. */
  protected takeQueued(): Invocation[] {
    const all = this.dequeueAll();
    this.parts.admission.leave(all.length);
    return all;
  }

  /** Removes what nobody waits for any more, so that it takes no room. */
  protected sweepQueue(): void {
    const all = this.takeQueued();
    for (const invocation of all) if (invocation.isAnswered) invocation.end();
    this.putBack(all.filter(({ isAnswered }) => !isAnswered));
  }
}

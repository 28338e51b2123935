import type { Invocation } from "./invocation.ts";

/**
 * The queue of an actor: first in, first out. A linked list through the invocations, so that it costs
 * nothing. The lowest layer of {@link Activation}.
 */
export class Mailbox {
  #first: Invocation | undefined;
  #last: Invocation | undefined;
  queueLength = 0;
  /** About how much memory the waiting payloads take, in UTF-16 units. */
  queueUnits = 0;

  get firstQueued(): Invocation | undefined {
    return this.#first;
  }

  /** All that wait, in order, and stay where they are. */
  *queued(): Iterable<Invocation> {
    for (let next = this.#first; next !== undefined; next = next.following) yield next;
  }

  enqueue(invocation: Invocation): void {
    invocation.following = undefined;
    if (this.#last === undefined) this.#first = invocation;
    else this.#last.following = invocation;
    this.#last = invocation;
    this.queueLength++;
    this.queueUnits += invocation.units;
  }

  dequeue(): Invocation | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = first.following;
    if (this.#first === undefined) this.#last = undefined;
    first.following = undefined;
    this.queueLength--;
    this.queueUnits -= first.units;
    return first;
  }

  /** Puts invocations that have to run again before all others, in their order. */
  enqueueFirst(invocations: readonly Invocation[]): void {
    const waiting = this.dequeueAll();
    for (const invocation of invocations) this.enqueue(invocation);
    for (const invocation of waiting) this.enqueue(invocation);
  }

  /** Empties the mailbox. */
  dequeueAll(): Invocation[] {
    const all: Invocation[] = [];
    for (let next = this.dequeue(); next !== undefined; next = this.dequeue()) all.push(next);
    return all;
  }
}

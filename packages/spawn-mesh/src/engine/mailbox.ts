import type { Invocation } from "./invocation.ts";

/** The queue of an actor: first in, first out. A linked list through the invocations, so that it costs nothing. */
export class Mailbox {
  #first: Invocation | undefined;
  #last: Invocation | undefined;
  length = 0;
  /** About how much memory the waiting payloads take, in UTF-16 units. */
  units = 0;

  get first(): Invocation | undefined {
    return this.#first;
  }

  /** All that wait, in order, and stay where they are. */
  *all(): Iterable<Invocation> {
    for (let next = this.#first; next !== undefined; next = next.following) yield next;
  }

  push(invocation: Invocation): void {
    invocation.following = undefined;
    if (this.#last === undefined) this.#first = invocation;
    else this.#last.following = invocation;
    this.#last = invocation;
    this.length++;
    this.units += invocation.units;
  }

  shift(): Invocation | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = first.following;
    if (this.#first === undefined) this.#last = undefined;
    first.following = undefined;
    this.length--;
    this.units -= first.units;
    return first;
  }

  /** Puts invocations that have to run again before all others, in their order. */
  pushFront(invocations: readonly Invocation[]): void {
    const waiting = this.takeAll();
    for (const invocation of invocations) this.push(invocation);
    for (const invocation of waiting) this.push(invocation);
  }

  /** Empties the mailbox. */
  takeAll(): Invocation[] {
    const all: Invocation[] = [];
    for (let next = this.shift(); next !== undefined; next = this.shift()) all.push(next);
    return all;
  }
}

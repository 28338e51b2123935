/**
 * How quickly long queues move, so that a call is refused at once that would wait in vain.
 *
 * Only queues that stay long are measured, so that actors who keep up cost nothing. Whoever is in
 * doubt lets a call in: a pace is known when two stretches of several invocations were measured, and
 * the quicker one counts, so that a single long action, or a pause, never turns anybody away.
 */
import type { Mailbox } from "../activations/mailbox.ts";
import type { Invocation } from "./invocation.ts";

/** A shorter queue is not measured. */
const QUEUE_LENGTH_MIN = 8;
/** Invocations of one stretch, at least. */
const STRETCH_LENGTH_MIN = 8;
/** A call is refused when it would come too late even if the queue moved so many times quicker from now on. */
const QUICKER_FACTOR = 2;

/** What is measured of one queue, in milliseconds an invocation. */
interface Pace {
  since: number;
  left: number;
  before: number;
  last: number;
}

export class QueuePaces {
  readonly #paces = new Map<Mailbox, Pace>();

  /** The first `count` of a queue have had their turn, at `now` (monotonic). */
  moved(queue: Mailbox, count: number, now: number): void {
    if (queue.queueLength < QUEUE_LENGTH_MIN) return this.forget(queue);
    const pace = this.#paces.get(queue);
    if (pace === undefined) {
      this.#paces.set(queue, { since: now, left: 0, before: 0, last: 0 });
      return;
    }
    pace.left += count;
    if (pace.left < STRETCH_LENGTH_MIN) return;
    pace.before = pace.last;
    pace.last = (now - pace.since) / pace.left;
    pace.since = now;
    pace.left = 0;
  }

  /** The queue is not what it was. */
  forget(queue: Mailbox): void {
    if (this.#paces.size > 0) this.#paces.delete(queue);
  }

  /**
   * About how long `invocation` would wait in the queue, in milliseconds, if that is longer than its caller
   * does; `undefined` if it may come in time, as far as anybody can know.
   */
  vainWaitMs(queue: Mailbox, invocation: Invocation, now: number): number | undefined {
    if (this.#paces.size === 0) return undefined;
    const { before, last } = this.#paces.get(queue) ?? UNKNOWN;
    const paceMs = Math.min(before, last);
    const patienceMs = (invocation.deadlineAt - now) * QUICKER_FACTOR;
    if (queue.queueLength * paceMs <= patienceMs) return undefined;
    const waitMs = waitOf(queue, paceMs, now);
    return waitMs > patienceMs ? waitMs : undefined;
  }
}

const UNKNOWN = { before: 0, last: 0 };

/** How long a queue takes in which those whose time runs out before their turn are skipped. */
function waitOf(queue: Mailbox, paceMs: number, now: number): number {
  let waitMs = 0;
  for (const { deadlineAt } of queue.queued()) if (deadlineAt > now + waitMs) waitMs += paceMs;
  return waitMs;
}

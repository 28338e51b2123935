/**
 * A clock whose time moves only when it is told to.
 *
 * It owns every timer and every `yield`: what is set here fires when time is moved past it, in the
 * order of time and, at the same time, in the order in which it was set. Between two events all
 * promises that can go on do go on, so that code written with `await` behaves as it does under the
 * real clock, only that hours pass in no time and always in the same way.
 */
import type { Clock, Timer } from "../engine/clock.ts";

/** Where a virtual clock begins. */
export interface VirtualClockOptions {
  /** What the wall clock shows at the beginning, in milliseconds since 1970. Default: 2026-01-01, UTC. */
  readonly wallStartMs?: number | undefined;
}

interface TimedEvent {
  readonly at: number;
  readonly sequence: number;
  /** `undefined` once it was cancelled or has run. */
  action: (() => void) | undefined;
}

/** 2026-01-01T00:00:00Z. */
const WALL_START_MS_DEFAULT = 1_767_225_600_000;

/** A {@link Clock} for tests and simulations. */
export class VirtualClock implements Clock {
  readonly #wallStartMs: number;
  readonly #heap: TimedEvent[] = [];
  #now = 0;
  #sequence = 0;
  #pending = 0;

  constructor(options: VirtualClockOptions = {}) {
    this.#wallStartMs = options.wallStartMs ?? WALL_START_MS_DEFAULT;
  }

  /** Milliseconds since the clock was made. */
  monotonic(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wallStartMs + Math.floor(this.#now);
  }

  timer(delayMs: number, action: () => void): Timer {
    const event: TimedEvent = {
      at: this.#now + Math.max(0, delayMs),
      sequence: this.#sequence++,
      action,
    };
    this.#pending++;
    push(this.#heap, event);
    return {
      cancel: () => {
        if (event.action === undefined) return;
        event.action = undefined;
        this.#pending--;
      },
    };
  }

  yield(action: () => void): void {
    this.timer(0, action);
  }

  /** How many events are set and not cancelled. */
  get pending(): number {
    return this.#pending;
  }

  /** When the next event is due, on the monotonic clock; `undefined` if there is none. */
  get nextAt(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.at;
  }

  /**
   * Moves time to the next event and runs it, and nothing after it: promises have not gone on when
   * this returns. For a simulation that decides itself what happens between two events.
   *
   * @returns whether there was an event
   */
  step(): boolean {
    this.#dropCancelled();
    const event = pop(this.#heap);
    if (event?.action === undefined) return false;
    this.#now = Math.max(this.#now, event.at);
    const { action } = event;
    event.action = undefined;
    this.#pending--;
    action();
    return true;
  }

  /** Moves time by `ms` milliseconds and runs everything that falls due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settlePromises();
    for (let next = this.nextAt; next !== undefined && next <= until; next = this.nextAt) {
      this.step();
      await settlePromises();
    }
    this.#now = Math.max(this.#now, until);
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].action === undefined) pop(this.#heap);
  }
}

/** Resolves when every promise that can go on without an event has done so. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function isBefore(left: TimedEvent, right: TimedEvent): boolean {
  return left.at < right.at || (left.at === right.at && left.sequence < right.sequence);
}

/** Puts an event into a binary heap whose first element is the earliest. */
function push(heap: TimedEvent[], event: TimedEvent): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = event;
}

/** Takes the earliest event out of the heap. */
function pop(heap: TimedEvent[]): TimedEvent | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (child >= heap.length || !isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return first;
}

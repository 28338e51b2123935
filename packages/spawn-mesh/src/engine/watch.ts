/**
 * Everything that has something to wait for: a queue, a running action, a commit, a flush.
 *
 * There is no timer per call. Whoever waits says when something is due next, and one timer for all
 * fires at the earliest of these times. It keeps the process alive, so that calls in flight and
 * unwritten states do; when nobody waits there is no timer.
 */
import type { Clock, Timer } from "./clock.ts";

export interface Watched {
  /** The time (monotonic) at which {@link onDue} has to be called. */
  readonly dueAt: number;
  /** Does what is due and moves `dueAt`. */
  onDue(now: number): void;
}

const DELAY_MS_MAX = 60_000;
/** Looking at all costs time when they are many: 100 000 are looked at every 100 ms at the most. */
const LOOKS_PER_MS = 1_000;

export class Watch {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: Timer | undefined;
  #firesAt = Infinity;
  #notBefore = -Infinity;
  #whenEmpty: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    this.sooner(watched.dueAt);
  }

  /** Tells that something watched is due at `dueAt`, perhaps earlier than it said before. */
  sooner(dueAt: number): void {
    const firesAt = Math.max(dueAt, this.#notBefore);
    if (firesAt < this.#firesAt) this.#arm(firesAt);
  }

  delete(watched: Watched): void {
    if (!this.#watched.delete(watched) || this.#watched.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#firesAt = Infinity;
    const callbacks = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const callback of callbacks) callback();
  }

  /** All that wait now. */
  get all(): readonly Watched[] {
    return [...this.#watched];
  }

  /** Resolves as soon as nothing waits. */
  whenEmpty(): Promise<void> {
    if (this.#watched.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Forgets all; nothing more falls due. */
  clear(): void {
    for (const watched of this.all) this.delete(watched);
  }

  #arm(firesAt: number): void {
    this.#timer?.cancel();
    const delayMs = Math.max(1, Math.ceil(firesAt - this.#clock.monotonic()));
    this.#firesAt = firesAt;
    const cappedMs = Math.min(delayMs, DELAY_MS_MAX);
    this.#timer = this.#clock.timer(cappedMs, () => this.#fire(), { keepAlive: true });
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesAt = Infinity;
    const now = this.#clock.monotonic();
    let next = Infinity;
    for (const watched of this.all) {
      if (watched.dueAt <= now && this.#watched.has(watched)) watched.onDue(now);
      if (this.#watched.has(watched)) next = Math.min(next, watched.dueAt);
    }
    this.#notBefore = now + this.#watched.size / LOOKS_PER_MS;
    if (this.#watched.size > 0) this.sooner(next);
  }
}

/**
 * Finds messages that are due in the statestore and hands them to the outbox.
 *
 * It sleeps until the earliest of them is due. A claim counts an attempt before the message is
 * delivered, so that one which ends the process each time it runs is known for it. That counts its
 * neighbours too, which were claimed with it and are innocent; so messages that were tried before are
 * claimed one at a time.
 */
import type { Clock, Random, Timer } from "./clock.ts";
import type { EventListener } from "./events.ts";
import { exponentialBackoffMs } from "./exponential-backoff.ts";
import type { Limits } from "./limits.ts";
import type { StoredMessage } from "./message-store.ts";
import { RETRY } from "./outbox.ts";
import type { Outbox } from "./outbox.ts";
import type { Statestore } from "./statestore.ts";

export interface SweeperParts {
  readonly store: Statestore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
  readonly outbox: Outbox;
}

/** Messages that were claimed so often may be the reason why their process ended. */
const SUSPICIOUS_ATTEMPTS = 2;
/** However far away the next message is: the wall clock may be set. */
const SLEEP_MS_MAX = 60_000;
/** How soon the next suspicious message is looked for, unless the one under way ends before that. */
const SUSPICIOUS_WAIT_MS = 1_000;

export class Sweeper {
  readonly #parts: SweeperParts;
  #timer: Timer | undefined;
  /** When the timer fires (wall). */
  #wakesAt = Infinity;
  #isSweeping = false;
  #isStopped = true;
  #waitsForRoom = false;
  #failures = 0;
  /** The suspicious message that is under way. */
  #suspicious: string | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    parts.outbox.onStored = (dueAt) => this.#wakeAt(dueAt);
    parts.outbox.onRoom = () => this.#hasRoom();
  }

  start(): void {
    this.#isStopped = false;
    this.#wakeAt(this.#parts.clock.wall());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #wakeAt(dueAt: number): void {
    if (this.#isStopped || dueAt >= this.#wakesAt) return;
    this.#wakesAt = dueAt;
    // What becomes due during a sweep is seen at its end.
    if (!this.#isSweeping) this.#arm();
  }

  #arm(): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    const delayMs = Math.max(0, Math.min(SLEEP_MS_MAX, Math.ceil(this.#wakesAt - clock.wall())));
    this.#timer = clock.timer(delayMs, () => void this.#sweep());
  }

  /** A message is under way no longer. */
  #hasRoom(): void {
    const { outbox, limits, clock } = this.#parts;
    const isNextSuspicious = this.#suspicious !== undefined && !outbox.isUnderWay(this.#suspicious);
    const hasRoom = this.#waitsForRoom && outbox.claimRoom * 2 >= limits.claimRowsMax;
    if (!isNextSuspicious && !hasRoom) return;
    if (isNextSuspicious) this.#suspicious = undefined;
    this.#waitsForRoom = false;
    this.#wakeAt(clock.wall());
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping || this.#isStopped) return;
    this.#isSweeping = true;
    this.#timer = undefined;
    this.#wakesAt = Infinity;
    const wakeAt = await this.#claimAll();
    this.#isSweeping = false;
    if (this.#isStopped) return;
    this.#wakesAt = Math.min(this.#wakesAt, wakeAt);
    this.#arm();
  }

  /** Claims what is due, and answers when to come again. */
  async #claimAll(): Promise<number> {
    const { clock, random, store, emit } = this.#parts;
    try {
      const isMoreDue = await this.#claimSome();
      this.#failures = 0;
      const now = clock.wall();
      if (this.#waitsForRoom) return now + SUSPICIOUS_WAIT_MS;
      if (isMoreDue) return now;
      const next = (await store.messages.nextDueAt()) ?? now + SLEEP_MS_MAX;
      // A due message that was not claimed is a suspicious one, and waits for another.
      return next <= now ? now + SUSPICIOUS_WAIT_MS : next;
    } catch (cause) {
      // A statestore that was closed in the meantime is no news.
      if (!this.#isStopped) emit({ type: "store-failed", operation: "messages", cause });
      return clock.wall() + exponentialBackoffMs(++this.#failures, random);
    }
  }

  /** Whether there may be more that is due. */
  async #claimSome(): Promise<boolean> {
    const { limits, outbox } = this.#parts;
    const limit = Math.min(limits.claimRowsMax, outbox.claimRoom);
    if (limit === 0) {
      this.#waitsForRoom = true;
      return false;
    }
    const claimed = await this.#claim({
      attemptsFrom: 0,
      attemptsBelow: SUSPICIOUS_ATTEMPTS,
      limit,
    });
    if (this.#isStopped) return false;
    outbox.claimed(claimed);
    if (claimed.length < limit) await this.#claimSuspicious();
    return claimed.length > 0;
  }

  async #claimSuspicious(): Promise<void> {
    const { outbox } = this.#parts;
    if (this.#suspicious !== undefined && outbox.isUnderWay(this.#suspicious)) return;
    this.#suspicious = undefined;
    const claimed = await this.#claim({
      attemptsFrom: SUSPICIOUS_ATTEMPTS,
      attemptsBelow: Number.MAX_SAFE_INTEGER,
      limit: 1,
    });
    if (this.#isStopped) return;
    this.#suspicious = claimed[0]?.id;
    outbox.claimed(claimed);
  }

  async #claim(of: {
    readonly attemptsFrom: number;
    readonly attemptsBelow: number;
    readonly limit: number;
  }): Promise<readonly StoredMessage[]> {
    const { store, clock, limits } = this.#parts;
    return await store.messages.claim({
      ...of,
      wall: clock.wall(),
      unitsMax: limits.claimUnitsMax,
      retry: RETRY,
    });
  }
}

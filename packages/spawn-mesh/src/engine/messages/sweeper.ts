/**
 * Finds messages that are due in the statestore and hands them to the outbox.
 *
 * It sleeps until the earliest of them is due. A claim counts an attempt before the message is
 * delivered, so that one which ends the process each time it runs is known for it. That counts its
 * neighbours too, which were claimed with it and are innocent; so the doubtful ones, of which the process
 * twice did not live to tell how it ended, are claimed one at a time. Those that failed with an answer
 * have nothing to do with that and are claimed like others.
 */
import type { Clock, Random, Timer } from "../clock.ts";
import type { EventListener } from "../events.ts";
import { exponentialBackoffMs } from "../time/exponential-backoff.ts";
import type { Limits } from "../limits.ts";
import type { MessageClaim, StoredMessage } from "../message-store.ts";
import { RETRY } from "./attempts.ts";
import type { Outbox } from "./outbox.ts";
import { SetBackClock } from "./set-back-clock.ts";
import type { Statestore } from "../statestore.ts";

export interface SweeperParts {
  readonly store: Statestore;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly emit: EventListener;
  readonly outbox: Outbox;
}

/** However far away the next message is: the wall clock may be set. */
const SLEEP_MS_MAX = 60_000;
/** How soon the next doubtful message is looked for, unless the one under way ends before that. */
const DOUBTFUL_WAIT_MS = 1_000;

export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #setBackClock: SetBackClock;
  #timer: Timer | undefined;
  /** When it has to come (wall). */
  #wakesAt = Infinity;
  /** When the timer fires (monotonic). */
  #firesAt = Infinity;
  #isSweeping = false;
  #isStopped = true;
  #waitsForRoom = false;
  #failures = 0;
  /** The doubtful message that is under way, and when it was claimed (monotonic). */
  #doubtful: { readonly id: string; readonly since: number } | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#setBackClock = new SetBackClock(parts);
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
    if (this.#isStopped) return;
    this.#wakesAt = Math.min(this.#wakesAt, dueAt);
    // What becomes due during a sweep is seen at its end.
    if (!this.#isSweeping) this.#arm();
  }

  /** Sets the timer, unless it fires in time: one that was in time is late once the wall clock was set forward. */
  #arm(): void {
    const { clock } = this.#parts;
    const delayMs = Math.max(0, Math.min(SLEEP_MS_MAX, Math.ceil(this.#wakesAt - clock.wall())));
    const firesAt = clock.monotonic() + delayMs;
    if (this.#timer !== undefined && firesAt >= this.#firesAt) return;
    this.#timer?.cancel();
    this.#firesAt = firesAt;
    this.#timer = clock.timer(delayMs, () => void this.#sweep());
  }

  /** A message is under way no longer. */
  #hasRoom(): void {
    const { outbox, limits, clock } = this.#parts;
    const isNextDoubtful = this.#doubtful !== undefined && !outbox.isUnderWay(this.#doubtful.id);
    if (isNextDoubtful) this.#doubtful = undefined;
    const roomMax = Math.min(limits.claimRowsMax, limits.deliveriesMax);
    const hasRoom = this.#waitsForRoom && outbox.claimRoom * 2 >= roomMax;
    if (hasRoom) this.#waitsForRoom = false;
    if (isNextDoubtful || hasRoom) this.#wakeAt(clock.wall());
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
    const { clock, random, store, emit, limits } = this.#parts;
    try {
      await this.#setBackClock.correct();
      const startedAt = clock.wall();
      const isMoreDue = await this.#claimSome();
      this.#failures = 0;
      const now = clock.wall();
      if (this.#waitsForRoom) return now + limits.slowDeliveryMs;
      if (isMoreDue) return now;
      const next = (await store.messages.nextDueAt()) ?? now + SLEEP_MS_MAX;
      // One that was due and was not claimed is a doubtful one, and waits for another.
      return next <= startedAt ? now + DOUBTFUL_WAIT_MS : next;
    } catch (cause) {
      // A statestore that was closed in the meantime is no news.
      if (!this.#isStopped) emit({ type: "store-failed", operation: "messages", cause });
      return clock.wall() + exponentialBackoffMs(++this.#failures, random);
    }
  }

  /** Whether there may be more that is due. */
  async #claimSome(): Promise<boolean> {
    const { outbox } = this.#parts;
    // However much else is due, the doubtful ones have their turn; and they take nothing from the others.
    await this.#claimDoubtful();
    const limit = outbox.claimRoom;
    this.#waitsForRoom = limit === 0;
    if (this.#isStopped || limit === 0) return false;
    const claimed = await this.#claim({ isDoubtful: false, limit });
    if (this.#isStopped) return false;
    outbox.claimed(claimed);
    return claimed.length > 0;
  }

  /** Claims the next doubtful message, unless one is under way that was claimed just now. */
  async #claimDoubtful(): Promise<void> {
    const { outbox, clock, limits } = this.#parts;
    const now = clock.monotonic();
    const isAlone = this.#doubtful !== undefined && outbox.isUnderWay(this.#doubtful.id);
    if (isAlone && now - this.#doubtful!.since < limits.doubtfulAloneMs) return;
    const [claimed] = await this.#claim({ isDoubtful: true, limit: 1 });
    if (this.#isStopped) return;
    this.#doubtful = claimed && { id: claimed.id, since: now };
    if (claimed !== undefined) outbox.claimed([claimed]);
  }

  async #claim(of: Pick<MessageClaim, "isDoubtful" | "limit">): Promise<readonly StoredMessage[]> {
    const { store, clock, limits } = this.#parts;
    return await store.messages.claim({
      ...of,
      wall: clock.wall(),
      laneMax: limits.laneLengthMax,
      unitsMax: limits.claimUnitsMax,
      retry: RETRY,
    });
  }
}

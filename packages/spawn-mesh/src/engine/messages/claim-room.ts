/**
 * How many more messages may be claimed from the statestore. If this process dies, an attempt is counted
 * for all that it had claimed, so there are never many at once.
 *
 * One that takes long gives its room back: whoever is slow must not keep the messages of others from being
 * claimed. It is counted among those that are under way, like any other.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";

/** A message that was claimed and is under way. */
export interface ClaimedSlot {
  /** When it was claimed (monotonic). */
  readonly since: number;
  /** Whether it takes up room. */
  isCounted: boolean;
}

export class ClaimRoom {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** Those that take up room, and some that do not any more, the first claimed first. */
  #slots: ClaimedSlot[] = [];
  #counted = 0;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many more may be claimed. */
  get free(): number {
    const { slowDeliveryMs, claimRowsMax } = this.#limits;
    const slowSince = this.#clock.monotonic() - slowDeliveryMs;
    const firstFast = this.#slots.findIndex(({ since }) => since > slowSince);
    const slow = this.#slots.splice(0, firstFast === -1 ? this.#slots.length : firstFast);
    for (const slot of slow) this.leave(slot);
    return Math.max(0, claimRowsMax - this.#counted);
  }

  take(): ClaimedSlot {
    const slot = { since: this.#clock.monotonic(), isCounted: true };
    this.#slots.push(slot);
    this.#counted++;
    return slot;
  }

  leave(slot: ClaimedSlot): void {
    if (slot.isCounted) this.#counted--;
    slot.isCounted = false;
  }

  empty(): void {
    this.#slots = [];
    this.#counted = 0;
  }
}

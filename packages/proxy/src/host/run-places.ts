/** The places that a host has for runs: how many are taken, and who gets one when there is room. */
import type { Cancellation } from "spawn-mesh/engine";
import { WaitingLine } from "./waiting-line.ts";

/** How many times as many runs may be under way when none ends. */
const STALLED_FACTOR = 2;

export class RunPlaces {
  readonly #limit: () => number;
  readonly #line: WaitingLine = new WaitingLine(() => this.#admitLast());
  #taken = 0;
  /** Of the runs under way, how many wait for calls that their actions make. */
  #waits = 0;

  /** @param limit how many may run now; {@link goOn} when that has become more */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** How many run, and do not only wait. */
  get running(): number {
    return this.#taken - this.#waits;
  }

  /**
   * Takes a place; resolves when there is one, and is `undefined` when there is one at once.
   *
   * @throws the reason of the cancellation when there is one before
   */
  take(cancellation: Cancellation): Promise<void> | undefined {
    if (!this.#hasRoom) return this.#line.wait(cancellation);
    this.#taken++;
    return undefined;
  }

  /** A run has ended. */
  release(): void {
    this.#taken--;
    this.#line.moved();
    this.goOn();
  }

  /** A run begins to wait for a call that its action makes: another one may take its place. */
  beginWait(): void {
    this.#waits++;
    this.goOn();
  }

  /** The wait is over; whoever took the place keeps it until it is done. */
  endWait(): void {
    this.#waits--;
  }

  /** Lets those go on who have waited longest, as far as there is room. */
  goOn(): void {
    while (this.#hasRoom) {
      const go = this.#line.first();
      if (go === undefined) return;
      this.#taken++;
      go();
    }
  }

  get #hasRoom(): boolean {
    return this.running < this.#limit();
  }

  /** None of those who have a place comes to an end. */
  #admitLast(): void {
    const hasReserve = this.running < this.#limit() * STALLED_FACTOR;
    const go = hasReserve ? this.#line.last() : undefined;
    if (go === undefined) return;
    this.#taken++;
    go();
  }
}

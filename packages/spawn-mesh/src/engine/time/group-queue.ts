/**
 * Things that go to the statestore in groups: loads, commits, messages.
 *
 * Nobody waits for a group to fill; the load itself makes groups, since all that comes in one tick, or
 * while others are under way, goes with the next.
 */

/** How groups are made of what waits, and where they go. */
export interface Groups<Item> {
  /** Under way at once, at the most. */
  readonly inFlightMax: number;
  /** How many go next, or more than wait for all; asked when they go. `itemsInFlight` are in the groups under way. */
  readonly lengthOfNext: (waiting: readonly Item[], itemsInFlight: number) => number;
  /** Resolves, whatever happens, when the group is not under way any more. */
  readonly send: (group: readonly Item[]) => Promise<void>;
}

export class GroupQueue<Item> {
  readonly #groups: Groups<Item>;
  #waiting: Item[] = [];
  #inFlight = 0;
  #itemsInFlight = 0;
  #isScheduled = false;
  #isStopped = false;
  readonly #flush = (): void => this.#sendNext();

  constructor(groups: Groups<Item>) {
    this.#groups = groups;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Goes with one of the next groups, never before this tick is over. */
  push(item: Item): void {
    if (this.#isStopped) return;
    this.#waiting.push(item);
    this.#schedule();
  }

  /** Takes one back that still waits. */
  remove(item: Item): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== item);
  }

  /** Takes back all that wait. */
  clear(): readonly Item[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  /** Sends nothing more, whatever comes. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    if (this.#inFlight >= this.#groups.inFlightMax) return;
    this.#isScheduled = true;
    queueMicrotask(this.#flush);
  }

  #sendNext(): void {
    this.#isScheduled = false;
    if (this.#waiting.length === 0) return;
    void this.#send(this.#takeNext());
    this.#schedule();
  }

  #takeNext(): readonly Item[] {
    const length = this.#groups.lengthOfNext(this.#waiting, this.#itemsInFlight);
    return length < this.#waiting.length ? this.#waiting.splice(0, length) : this.clear();
  }

  async #send(group: readonly Item[]): Promise<void> {
    this.#inFlight++;
    this.#itemsInFlight += group.length;
    await this.#groups.send(group);
    this.#inFlight--;
    this.#itemsInFlight -= group.length;
    this.#schedule();
  }
}

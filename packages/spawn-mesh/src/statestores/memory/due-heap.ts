/** What has a time and a place in line. */
export interface Due {
  readonly dueAt: number;
  readonly position: number;
}

interface Entry<Item> extends Due {
  readonly item: Item;
}

/**
 * Items by the time at which they are due, those that came first before others of the same time. An
 * item that was taken out leaves its entry behind, which is thrown away when it comes up.
 */
export class DueHeap<Item extends Due> {
  #entries: Entry<Item>[] = [];
  readonly #current = new Map<Item, Entry<Item>>();

  /** The item that is due first; `undefined` when there is none. */
  get first(): Item | undefined {
    for (;;) {
      const entry = this.#entries[0];
      if (entry === undefined) return undefined;
      if (this.#current.get(entry.item) === entry) return entry.item;
      this.#removeFirst();
    }
  }

  /** Adds an item that is not in here. */
  add(item: Item): void {
    const entry: Entry<Item> = { dueAt: item.dueAt, position: item.position, item };
    this.#current.set(item, entry);
    let index = this.#entries.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, this.#entries[parent]!)) break;
      this.#entries[index] = this.#entries[parent]!;
      index = parent;
    }
    this.#entries[index] = entry;
  }

  delete(item: Item): void {
    this.#current.delete(item);
    const isMostlyLeftOver = this.#entries.length > 64 + 2 * this.#current.size;
    if (isMostlyLeftOver) this.#tidyUp();
  }

  /** Throws away what is left of items that were taken out. A sorted list is a heap. */
  #tidyUp(): void {
    this.#entries = [...this.#current.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #removeFirst(): void {
    const last = this.#entries.pop()!;
    const { length } = this.#entries;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= length) break;
      const right = left + 1;
      const isRight = right < length && isBefore(this.#entries[right]!, this.#entries[left]!);
      const child = isRight ? right : left;
      if (!isBefore(this.#entries[child]!, last)) break;
      this.#entries[index] = this.#entries[child]!;
      index = child;
    }
    this.#entries[index] = last;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.position < other.position);
}

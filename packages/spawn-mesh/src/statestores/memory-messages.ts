/**
 * Messages of the reference statestore.
 *
 * A heap has them by the time at which they are due; a message that was changed or removed leaves its
 * old entry there, which is thrown away when it comes up. Lanes are lists in the order of storing.
 */
import { actorKey } from "../engine/actor-id.ts";
import type { ActorId } from "../engine/actor-id.ts";
import type {
  Message,
  MessageClaim,
  MessagePage,
  MessageStore,
  ParkedMessage,
  Postponement,
  StoredMessage,
} from "../engine/message-store.ts";
import { DueHeap } from "./due-heap.ts";

/** A stored message, and where it stands. */
interface Row {
  readonly message: Message;
  /** Counts up as messages are stored. */
  readonly position: number;
  readonly lane: string | undefined;
  dueAt: number;
  attempts: number;
  error: string | undefined;
}

export class MemoryMessages implements MessageStore {
  readonly #rows = new Map<string, Row>();
  readonly #parked = new Map<string, ParkedMessage>();
  readonly #due = new DueHeap<Row>();
  readonly #lanes = new Map<string, Set<Row>>();
  /** How many ordered messages each source has. */
  readonly #unsent = new Map<string, number>();
  /** The timers of each source. */
  readonly #timers = new Map<string, Set<string>>();
  readonly #checkOpen: () => void;
  #position = 0;

  /** @param checkOpen throws when the statestore is not open */
  constructor(checkOpen: () => void) {
    this.#checkOpen = checkOpen;
  }

  // What commits and loads need.

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /** How many ordered messages of the actor are stored. */
  unsent(source: ActorId): number {
    return this.#unsent.get(actorKey(source)) ?? 0;
  }

  find(ids: readonly string[]): readonly StoredMessage[] {
    return ids.flatMap((id) => {
      const row = this.#rows.get(id);
      return row === undefined ? [] : storedMessage(row);
    });
  }

  /** Removes a message; answers whether it was there. */
  take(id: string): boolean {
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    this.#rows.delete(id);
    this.#due.delete(row);
    if (row.lane !== undefined) this.#leaveLane(row, row.lane);
    if (row.message.isTimer) removeFrom(this.#timers, sourceKey(row.message), id);
    return true;
  }

  add(messages: readonly Message[]): void {
    for (const message of messages) {
      if (!this.#rows.has(message.id) && !this.#parked.has(message.id)) this.#put(message);
    }
  }

  /** A source was deleted, and its timers with it. */
  removeTimers(source: ActorId): void {
    for (const id of this.#timers.get(actorKey(source)) ?? []) this.take(id);
  }

  // The port.

  async send(messages: readonly Message[]): Promise<void> {
    this.#checkOpen();
    this.add(messages);
  }

  async claim(claim: MessageClaim): Promise<readonly StoredMessage[]> {
    this.#checkOpen();
    const claimed: Row[] = [];
    const heads = new Map<string, LaneHead>();
    const passedOver: Row[] = [];
    let units = 0;
    for (;;) {
      const row = this.#due.first;
      if (row === undefined || row.dueAt > claim.wall || claimed.length >= claim.limit) break;
      const size = row.message.payload?.length ?? 0;
      const isWanted = isInWindow(row, claim) && this.#isNext(row, heads);
      if (isWanted && claimed.length > 0 && units + size > claim.unitsMax) break;
      this.#due.delete(row);
      if (isWanted) {
        units += size;
        if (row.lane !== undefined) heads.get(row.lane)!.advance();
      }
      (isWanted ? claimed : passedOver).push(row);
    }
    for (const row of claimed) {
      const { firstMs, maxMs } = claim.retry;
      row.dueAt = claim.wall + Math.min(maxMs, firstMs * 2 ** row.attempts);
      row.attempts++;
    }
    for (const row of [...claimed, ...passedOver]) this.#due.add(row);
    return claimed.map(storedMessage);
  }

  async nextDueAt(): Promise<number | undefined> {
    this.#checkOpen();
    const blocked: Row[] = [];
    while (this.#due.first !== undefined && this.#isBlocked(this.#due.first)) {
      blocked.push(this.#due.first);
      this.#due.delete(this.#due.first);
    }
    const next = this.#due.first?.dueAt;
    for (const row of blocked) this.#due.add(row);
    return next;
  }

  async postpone(postponements: readonly Postponement[]): Promise<void> {
    this.#checkOpen();
    for (const { id, dueAt, attempts, error } of postponements) {
      const row = this.#rows.get(id);
      if (row === undefined) continue;
      this.#due.delete(row);
      row.dueAt = dueAt;
      row.attempts = attempts;
      row.error = error;
      this.#due.add(row);
    }
  }

  async replace(id: string, messages: readonly Message[]): Promise<boolean> {
    this.#checkOpen();
    if (!this.take(id)) return false;
    this.add(messages);
    return true;
  }

  async remove(ids: readonly string[]): Promise<readonly string[]> {
    this.#checkOpen();
    return ids.filter((id) => this.take(id));
  }

  async list(page: MessagePage): Promise<readonly StoredMessage[]> {
    this.#checkOpen();
    const messages = [...this.#rows.values()].map(storedMessage);
    return pageOf(messages, page, ({ dueAt }) => dueAt);
  }

  async park(
    parked: readonly { readonly id: string; readonly error: string }[],
    at: number,
  ): Promise<void> {
    this.#checkOpen();
    for (const { id, error } of parked) {
      const row = this.#rows.get(id);
      if (row === undefined) continue;
      this.take(id);
      this.#parked.set(id, { ...storedMessage(row), error, parkedAt: at });
    }
  }

  async listParked(page: MessagePage): Promise<readonly ParkedMessage[]> {
    this.#checkOpen();
    return pageOf([...this.#parked.values()], page, ({ parkedAt }) => parkedAt);
  }

  async retryParked(ids: readonly string[], dueAt: number): Promise<readonly string[]> {
    this.#checkOpen();
    return ids.filter((id) => {
      const parked = this.#parked.get(id);
      if (parked === undefined) return false;
      this.#parked.delete(id);
      const { attempts: _, error: __, parkedAt: ___, ...message } = parked;
      this.#put({ ...message, dueAt });
      return true;
    });
  }

  async discardParked(ids: readonly string[]): Promise<readonly string[]> {
    this.#checkOpen();
    return ids.filter((id) => this.#parked.delete(id));
  }

  #put(message: Message): void {
    const lane = laneOf(message);
    const position = ++this.#position;
    const { dueAt } = message;
    const row: Row = { message, position, lane, dueAt, attempts: 0, error: undefined };
    this.#rows.set(message.id, row);
    this.#due.add(row);
    if (lane !== undefined) {
      addTo(this.#lanes, lane, row);
      const key = sourceKey(message);
      this.#unsent.set(key, (this.#unsent.get(key) ?? 0) + 1);
    }
    if (message.isTimer) addTo(this.#timers, sourceKey(message), message.id);
  }

  #leaveLane(row: Row, lane: string): void {
    removeFrom(this.#lanes, lane, row);
    const key = sourceKey(row.message);
    const left = this.#unsent.get(key)! - 1;
    if (left === 0) this.#unsent.delete(key);
    else this.#unsent.set(key, left);
  }

  /** Whether all earlier messages of its lane are claimed already. */
  #isNext(row: Row, heads: Map<string, LaneHead>): boolean {
    if (row.lane === undefined) return true;
    let head = heads.get(row.lane);
    if (head === undefined) heads.set(row.lane, (head = new LaneHead(this.#lanes.get(row.lane)!)));
    return head.row === row;
  }

  /** Whether an earlier message of its lane is due later. */
  #isBlocked(row: Row): boolean {
    if (row.lane === undefined) return false;
    for (const earlier of this.#lanes.get(row.lane)!) {
      if (earlier === row) return false;
      if (earlier.dueAt > row.dueAt) return true;
    }
    return false;
  }
}

/** The first message of a lane that is not claimed yet. */
class LaneHead {
  readonly #rest: Iterator<Row>;
  row: Row | undefined;

  constructor(lane: ReadonlySet<Row>) {
    this.#rest = lane.values();
    this.advance();
  }

  advance(): void {
    this.row = this.#rest.next().value;
  }
}

function isInWindow({ attempts }: Row, { attemptsFrom, attemptsBelow }: MessageClaim): boolean {
  return attempts >= attemptsFrom && attempts < attemptsBelow;
}

function storedMessage({ message, dueAt, attempts, error }: Row): StoredMessage {
  return { ...message, dueAt, attempts, error };
}

function pageOf<Listed extends StoredMessage>(
  all: readonly Listed[],
  { source, target, after, limit }: MessagePage,
  timeOf: (message: Listed) => number,
): readonly Listed[] {
  return all
    .filter((message) => source === undefined || isSame(message.source, source))
    .filter((message) => target === undefined || isSame(message.target, target))
    .filter(
      (message) =>
        after === undefined ||
        timeOf(message) > after.at ||
        (timeOf(message) === after.at && message.id > after.id),
    )
    .toSorted((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1))
    .slice(0, limit);
}

function isSame(one: ActorId | undefined, other: ActorId): boolean {
  return one !== undefined && actorKey(one) === actorKey(other);
}

function sourceKey({ source }: Message): string {
  return source === undefined ? "" : actorKey(source);
}

function laneOf({ isOrdered, source, target }: Message): string | undefined {
  return isOrdered && source !== undefined ? actorKey(source) + actorKey(target) : undefined;
}

function addTo<Item>(sets: Map<string, Set<Item>>, key: string, item: Item): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([item]));
  else set.add(item);
}

function removeFrom<Item>(sets: Map<string, Set<Item>>, key: string, item: Item): void {
  const set = sets.get(key);
  set?.delete(item);
  if (set?.size === 0) sets.delete(key);
}

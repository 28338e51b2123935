/**
 * Messages of the reference statestore.
 *
 * A heap has those that may be claimed next, by the time at which they are due: the heads of lanes, and
 * what has no lane. A message that was changed or removed leaves its old entry there, which is thrown
 * away when it comes up. Lanes are lists in the order of storing.
 */
import { actorKey } from "../../engine/actor-id.ts";
import type { ActorId } from "../../engine/actor-id.ts";
import { DOUBTFUL_ATTEMPTS } from "../../engine/message-store.ts";
import type {
  Message,
  MessageClaim,
  MessagePage,
  MessageRef,
  MessageStore,
  ParkedMessage,
  Postponement,
  RememberedOutcome,
  SentLaterPage,
  StoredMessage,
} from "../../engine/message-store.ts";
import { isSealed } from "../../engine/sealed-rows.ts";
import type { WaitingMessage } from "../../engine/system-rows.ts";
import { DueHeap } from "./due-heap.ts";

/** A stored message, and where it stands. */
interface Row {
  message: Message;
  /** Counts up as messages are stored. */
  readonly position: number;
  readonly lane: string | undefined;
  dueAt: number;
  attempts: number;
  error: string | undefined;
  /** Whether it was claimed, and how that ended was not told since. */
  isUnanswered: boolean;
}

type Tried = Pick<Row, "attempts" | "error" | "isUnanswered">;

const UNTRIED: Tried = { attempts: 0, error: undefined, isUnanswered: false };

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
  readonly #remember: (outcome: RememberedOutcome) => void;
  #position = 0;

  /**
   * @param checkOpen throws when the statestore is not open
   * @param remember stores a reply with an actor, if that can be
   */
  constructor(checkOpen: () => void, remember: (outcome: RememberedOutcome) => void) {
    this.#checkOpen = checkOpen;
    this.#remember = remember;
  }

  // What commits and loads need.

  has(message: MessageRef): boolean {
    return this.#find(message) !== undefined;
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

  // What a change of keys needs.

  /** The messages that were stored after the one at `position`, in order. */
  *storedAfter(position: number): Iterable<readonly [position: number, message: StoredMessage]> {
    for (const row of this.#rows.values()) {
      if (row.position > position) yield [row.position, storedMessage(row)];
    }
  }

  /** The parked messages after the one of that id, by id. */
  parkedAfter(id: string): readonly ParkedMessage[] {
    const after = [...this.#parked.values()].filter((parked) => parked.id > id);
    return after.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Replaces payload, headers and error if they are what they were; answers whether they were. */
  rewrite(was: StoredMessage, by: StoredMessage): boolean {
    const row = this.#rows.get(was.id);
    if (row === undefined || !isUnchanged(storedMessage(row), was)) return false;
    row.message = { ...row.message, payload: by.payload, headers: by.headers };
    row.error = by.error;
    return true;
  }

  rewriteParked(was: StoredMessage, by: StoredMessage): boolean {
    const parked = this.#parked.get(was.id);
    if (parked === undefined || !isUnchanged(parked, was)) return false;
    const { payload, headers, error = parked.error } = by;
    this.#parked.set(was.id, { ...parked, payload, headers, error });
    return true;
  }

  // What carrying a system needs.

  /** All messages as they wait, in order. */
  get waiting(): readonly WaitingMessage[] {
    return [...this.#rows.values()].map((row) => ({
      ...storedMessage(row),
      isUnanswered: row.isUnanswered,
    }));
  }

  get parked(): readonly ParkedMessage[] {
    return [...this.#parked.values()];
  }

  /** Adds a message as it waited elsewhere, behind all others. */
  addWaiting({ attempts, error, isUnanswered, ...message }: WaitingMessage): void {
    if (this.#rows.has(message.id) || this.#parked.has(message.id)) return;
    this.#put(message, { attempts, error, isUnanswered });
  }

  addParked(message: ParkedMessage): void {
    if (this.#rows.has(message.id) || this.#parked.has(message.id)) return;
    this.#parked.set(message.id, message);
  }

  discard(id: string): void {
    this.#parked.delete(id);
  }

  // The port.

  async send(messages: readonly Message[]): Promise<void> {
    this.#checkOpen();
    this.add(messages);
  }

  async claim(claim: MessageClaim): Promise<readonly StoredMessage[]> {
    this.#checkOpen();
    const taken = new Taken(claim);
    this.#takeHeads(taken);
    for (const head of taken.rows.slice()) if (head.lane !== undefined) this.#follow(head, taken);
    const { firstMs, maxMs } = claim.retry;
    return taken.rows.map((row) => {
      row.dueAt = claim.wall + Math.min(maxMs, firstMs * 2 ** row.attempts);
      row.attempts++;
      row.isUnanswered = true;
      if (this.#isHead(row)) this.#due.add(row);
      return storedMessage(row);
    });
  }

  /** Takes heads and messages without a lane out of the heap. */
  #takeHeads(taken: Taken): void {
    const passedOver: Row[] = [];
    for (let row = this.#due.first; row !== undefined; row = this.#due.first) {
      if (!taken.isDue(row)) break;
      if (!taken.isWanted(row)) passedOver.push(row);
      else if (!taken.takes(row)) break;
      this.#due.delete(row);
    }
    for (const row of passedOver) this.#due.add(row);
  }

  /** Takes what comes right behind a head. */
  #follow(head: Row, taken: Taken): void {
    let count = 0;
    for (const row of this.#lanes.get(head.lane!)!) {
      if (count++ === taken.laneMax) return;
      if (row === head) continue;
      if (!taken.isDue(row) || !taken.isWanted(row) || !taken.takes(row)) return;
    }
  }

  async nextDueAt(): Promise<number | undefined> {
    this.#checkOpen();
    return this.#due.first?.dueAt;
  }

  async postpone(postponements: readonly Postponement[]): Promise<void> {
    this.#checkOpen();
    for (const { dueAt, attempts, error, isUnderWay = false, ...ref } of postponements) {
      const row = this.#find(ref);
      if (row === undefined) continue;
      this.#due.delete(row);
      row.dueAt = dueAt;
      row.attempts = attempts;
      row.error = error;
      row.isUnanswered &&= isUnderWay;
      if (this.#isHead(row)) this.#due.add(row);
    }
  }

  async replace(
    message: MessageRef,
    messages: readonly Message[],
    outcome?: RememberedOutcome,
  ): Promise<boolean> {
    this.#checkOpen();
    const row = this.#find(message);
    if (row === undefined) return false;
    const next = messages.find(({ id }) => id === message.id);
    if (next !== undefined && isSamePlace(next, row.message)) this.#goOn(row, next);
    else this.take(message.id);
    this.add(messages);
    if (outcome !== undefined) this.#remember(outcome);
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

  async listSentLater(page: SentLaterPage): Promise<readonly StoredMessage[]> {
    const { sentAfter, leftDueAfter, after, among, limit } = page;
    const looked = await this.list({ after, limit: among });
    const found = looked.filter(
      (message) => message.sentAt > sentAfter || (message.dueAt > leftDueAfter && wasDue(message)),
    );
    return found.slice(0, limit);
  }

  async park(
    parked: readonly (MessageRef & { readonly error: string })[],
    at: number,
  ): Promise<void> {
    this.#checkOpen();
    for (const { error, ...ref } of parked) {
      const row = this.#find(ref);
      if (row === undefined) continue;
      this.take(ref.id);
      this.#parked.set(ref.id, { ...storedMessage(row), error, parkedAt: at });
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

  #find({ id, sentAt }: MessageRef): Row | undefined {
    const row = this.#rows.get(id);
    return row?.message.sentAt === sentAt ? row : undefined;
  }

  #put(message: Message, tried: Tried = UNTRIED): void {
    const lane = laneOf(message);
    const position = ++this.#position;
    const { dueAt } = message;
    const row: Row = { message, position, lane, dueAt, ...tried };
    this.#rows.set(message.id, row);
    if (lane === undefined || !this.#lanes.has(lane)) this.#due.add(row);
    if (lane !== undefined) {
      addTo(this.#lanes, lane, row);
      const key = sourceKey(message);
      this.#unsent.set(key, (this.#unsent.get(key) ?? 0) + 1);
    }
    if (message.isTimer) addTo(this.#timers, sourceKey(message), message.id);
  }

  #goOn(row: Row, message: Message): void {
    this.#due.delete(row);
    Object.assign(row, { message, dueAt: message.dueAt, ...UNTRIED });
    if (this.#isHead(row)) this.#due.add(row);
  }

  #leaveLane(row: Row, lane: string): void {
    const wasHead = this.#isHead(row);
    removeFrom(this.#lanes, lane, row);
    const next = wasHead ? firstOf(this.#lanes.get(lane)) : undefined;
    if (next !== undefined) this.#due.add(next);
    const key = sourceKey(row.message);
    const left = this.#unsent.get(key)! - 1;
    if (left === 0) this.#unsent.delete(key);
    else this.#unsent.set(key, left);
  }

  /** Whether it waits for no earlier one. */
  #isHead(row: Row): boolean {
    return row.lane === undefined || firstOf(this.#lanes.get(row.lane)) === row;
  }
}

/** What a claim has taken so far. */
class Taken {
  readonly rows: Row[] = [];
  readonly #claim: MessageClaim;
  #units = 0;
  #isFull = false;

  constructor(claim: MessageClaim) {
    this.#claim = claim;
  }

  get laneMax(): number {
    return this.#claim.laneMax;
  }

  isDue({ dueAt }: Row): boolean {
    return dueAt <= this.#claim.wall;
  }

  isWanted(row: Row): boolean {
    const isDoubtful = row.isUnanswered && row.attempts >= DOUBTFUL_ATTEMPTS;
    return isDoubtful === this.#claim.isDoubtful;
  }

  /** Takes a message, unless it is too much; then nothing more is taken. */
  takes(row: Row): boolean {
    const { limit, unitsMax } = this.#claim;
    this.#units += sizeOf(row.message.payload);
    this.#isFull ||= this.rows.length >= limit;
    this.#isFull ||= this.rows.length > 0 && this.#units > unitsMax;
    if (!this.#isFull) this.rows.push(row);
    return !this.#isFull;
  }
}

function firstOf<Item>(set: ReadonlySet<Item> | undefined): Item | undefined {
  return set?.values().next().value;
}

function isUnchanged(is: StoredMessage, was: StoredMessage): boolean {
  const { sentAt, payload, headers, error } = was;
  const hasContent = is.payload === payload && is.headers === headers && is.error === error;
  return hasContent && is.sentAt === sentAt;
}

function sizeOf(payload: Message["payload"]): number {
  return (isSealed(payload) ? payload.bytes : payload)?.length ?? 0;
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

/** Whether the time of a message had come before it was given the one that it has. */
function wasDue(message: StoredMessage): boolean {
  const { attempts, error } = message;
  return attempts > 0 || error !== undefined || laneOf(message) !== undefined;
}

function isSame(one: ActorId | undefined, other: ActorId): boolean {
  return one !== undefined && actorKey(one) === actorKey(other);
}

function isSamePlace(one: Message, other: Message): boolean {
  const isSameKind = one.isOrdered === other.isOrdered && one.isTimer === other.isTimer;
  return isSameKind && sourceKey(one) === sourceKey(other) && isSame(one.target, other.target);
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

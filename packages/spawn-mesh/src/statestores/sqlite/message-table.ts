/**
 * Messages in the file: what commits add to and take from them, and what finds them again.
 *
 * A message is a row whose rowid is its place in line. What is due is found by an index on the time that
 * tells apart the first message of each lane, with what has no lane, and those behind it; the first one that
 * goes passes that on. Those behind it are found by an index on source and target that has ordered messages
 * only. So nothing costs more when a million wait for next week, or behind one that fails.
 *
 * Most live for milliseconds, so what every message does is kept short: an insert does not select from its
 * own table, which would go through a temporary one, and nothing looks behind a message twice, as a trigger would.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { DOUBTFUL_ATTEMPTS } from "../../engine/message-store.ts";
import type {
  MessageClaim,
  MessageRef,
  ParkedMessage,
  Postponement,
  StoredMessage,
} from "../../engine/message-store.ts";
import type { WaitingMessage } from "../../engine/system-rows.ts";
import { messageAmongOthers } from "../damaged-messages.ts";
import { prepareArrays } from "./connection.ts";
import { FoundRows } from "./found-rows.ts";
import { type MessageColumns, MESSAGE_COLUMNS, storedMessage } from "./message-rows.ts";
import { type StoredColumns, STORED_COLUMNS } from "./message-rows.ts";

/** Doubtful messages. The index on the first ones among them has the same condition. */
const DOUBTFUL: string = `is_unanswered AND attempts >= ${DOUBTFUL_ATTEMPTS}`;

const CLAIMED_COLUMNS: string = `position, ${DOUBTFUL}, ${STORED_COLUMNS}`;

function claimQuery(condition: string): string {
  return `SELECT ${CLAIMED_COLUMNS} FROM spawn_message
    WHERE ${condition} AND due_at <= ? ORDER BY due_at, position`;
}

/** `behind` comes after `it` in one lane. */
const BEHIND_IT = `behind.source = it.source AND behind.target = it.target
  AND it.flags & 1 AND behind.flags & 1 AND behind.position > it.position`;

const placeQuery: string = `SELECT position, EXISTS (SELECT 1 FROM spawn_message AS behind WHERE ${BEHIND_IT})
  FROM spawn_message AS it WHERE id = ?`;

type MessageQueryName =
  | "claim"
  | "claimDoubtful"
  | "nextDueAt"
  | "unsent"
  | "behind"
  | "findPlace"
  | "findAnyPlace"
  | "passOn"
  | "findHeads"
  | "removeTimers";

/** By name, so that a test can ask how SQLite answers them. */
export const messageQueries: Readonly<Record<MessageQueryName, string>> = {
  claim: claimQuery(`is_first = 1 AND NOT (${DOUBTFUL})`),
  claimDoubtful: claimQuery(`is_first AND ${DOUBTFUL}`),
  nextDueAt: "SELECT due_at FROM spawn_message WHERE is_first = 1 ORDER BY due_at LIMIT 1",
  unsent: "SELECT count(*) FROM spawn_message WHERE source = ? AND flags & 1",
  behind: `SELECT ${CLAIMED_COLUMNS} FROM spawn_message
    WHERE source = ? AND target = ? AND flags & 1 AND position > ? ORDER BY position LIMIT ?`,
  // As it is answered: the time of a damaged message may be beyond the numbers that JavaScript has.
  findPlace: `${placeQuery} AND CAST(sent_at AS REAL) = ?`,
  findAnyPlace: placeQuery,
  passOn: `UPDATE spawn_message SET is_first = 1 WHERE position = (SELECT behind.position
    FROM spawn_message AS it JOIN spawn_message AS behind ON ${BEHIND_IT}
    WHERE it.position = ? AND it.is_first ORDER BY behind.position LIMIT 1)`,
  findHeads: `UPDATE spawn_message AS behind SET is_first = 1 WHERE is_first = 0 AND NOT EXISTS (
    SELECT 1 FROM spawn_message AS it WHERE ${BEHIND_IT})`,
  removeTimers: "DELETE FROM spawn_message WHERE source = ? AND flags & 2",
};

/** Where a message is. */
export interface Place {
  readonly position: number;
  /** Whether others wait behind it in its lane. */
  readonly isFollowed: boolean;
}

export class MessageTable {
  readonly #findAny: StatementSync;
  readonly #findPlace: StatementSync;
  readonly #findAnyPlace: StatementSync;
  readonly #find: FoundRows<StoredColumns>;
  readonly #add: StatementSync;
  readonly #goOn: StatementSync;
  readonly #passOn: StatementSync;
  readonly #findHeads: StatementSync;
  readonly #removeAt: StatementSync;
  readonly #removeTimers: StatementSync;
  readonly #unsent: StatementSync;
  readonly #claim: FoundRows<ClaimedRow>;
  readonly #claimDoubtful: FoundRows<ClaimedRow>;
  readonly #claimed: StatementSync;
  readonly #behind: FoundRows<ClaimedRow>;
  readonly #setTried: StatementSync;
  readonly #addParked: StatementSync;
  readonly #park: StatementSync;
  readonly #nextDueAt: FoundRows<readonly [dueAt: number]>;
  readonly #postpone: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#findAny = prepare("SELECT EXISTS (SELECT 1 FROM spawn_message)");
    this.#findPlace = prepare(messageQueries.findPlace);
    this.#findAnyPlace = prepare(messageQueries.findAnyPlace);
    this.#passOn = prepare(messageQueries.passOn);
    this.#findHeads = prepare(messageQueries.findHeads);
    this.#find = new FoundRows(
      database,
      `SELECT ${STORED_COLUMNS} FROM spawn_message WHERE id = ?`,
    );
    // Without an id it is ignored.
    this.#add = prepare(
      `INSERT OR IGNORE INTO spawn_message (${MESSAGE_COLUMNS}, attempts, is_first)
       VALUES ((SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM spawn_parked WHERE id = ?1)),
         ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, NOT (?8 & 1) OR NOT EXISTS (
           SELECT 1 FROM spawn_message WHERE source = ?2 AND target = ?3 AND flags & 1))`,
    );
    this.#goOn = prepare(
      `UPDATE spawn_message SET action = ?4, key_id = ?5, payload = ?6, headers = ?7, sent_at = ?9, due_at = ?10,
         attempts = 0, error = NULL, is_unanswered = 0
       WHERE id = ?1 AND source IS ?2 AND target = ?3 AND flags = ?8 AND position = ?11`,
    );
    this.#removeAt = prepare("DELETE FROM spawn_message WHERE position = ?");
    this.#removeTimers = prepare(messageQueries.removeTimers);
    this.#unsent = prepare(messageQueries.unsent);
    this.#claim = new FoundRows(database, messageQueries.claim);
    this.#claimDoubtful = new FoundRows(database, messageQueries.claimDoubtful);
    this.#behind = new FoundRows(database, messageQueries.behind);
    this.#claimed = prepare(
      "UPDATE spawn_message SET attempts = attempts + 1, due_at = ?, is_unanswered = 1 WHERE position = ?",
    );
    this.#park = prepare(
      `INSERT INTO spawn_parked (${STORED_COLUMNS}, parked_at)
       SELECT ${MESSAGE_COLUMNS}, attempts, ?, ? FROM spawn_message WHERE position = ?`,
    );
    this.#setTried = prepare(
      `UPDATE spawn_message SET attempts = ?, error = ?, is_unanswered = ? WHERE id = ? AND sent_at = ?`,
    );
    this.#addParked = prepare(
      `INSERT OR IGNORE INTO spawn_parked (${STORED_COLUMNS}, parked_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
       WHERE NOT EXISTS (SELECT 1 FROM spawn_message WHERE id = ?1)`,
    );
    this.#nextDueAt = new FoundRows(database, messageQueries.nextDueAt);
    this.#postpone = prepare(
      `UPDATE spawn_message SET due_at = ?, attempts = ?, error = ?, is_unanswered = is_unanswered AND ?
       WHERE id = ? AND sent_at = ?`,
    );
  }

  /** Whether there is any message, so that loads need not look for those of each actor. */
  get isEmpty(): boolean {
    return firstNumber(this.#findAny.get()) === 0;
  }

  /** The place of a message; `undefined` when it is not stored. */
  placeOf({ id, sentAt }: MessageRef): Place | undefined {
    return placeIn(this.#findPlace.get(id, sentAt));
  }

  find(id: string): StoredColumns | undefined {
    return this.#find.get(id);
  }

  /** Adds messages; one whose id is stored or parked already is left out. */
  add(messages: readonly MessageColumns[]): void {
    for (const columns of messages) this.#add.run(...columns);
  }

  /** Puts a message in the place of one of its id; answers whether it belongs there. */
  goOn({ position }: Place, columns: MessageColumns): boolean {
    return this.#goOn.run(...columns, position).changes === 1;
  }

  /** Adds a message as it waited elsewhere. */
  addTried(columns: MessageColumns, { id, sentAt, ...tried }: WaitingMessage): void {
    if (this.#add.run(...columns).changes === 0) return;
    const { attempts, error = null, isUnanswered } = tried;
    this.#setTried.run(attempts, error, Number(isUnanswered), id, sentAt);
  }

  /** Adds a message that was given up elsewhere. */
  addParked(columns: MessageColumns, { attempts, error, parkedAt }: ParkedMessage): void {
    this.#addParked.run(...columns, attempts, error, parkedAt);
  }

  /** Removes whatever message of that id is stored; answers whether there was one. */
  remove(id: string): boolean {
    const place = placeIn(this.#findAnyPlace.get(id));
    if (place !== undefined) this.removeAt(place);
    return place !== undefined;
  }

  /** Removes a message; if it was the first of its lane, the next one is. */
  removeAt({ position, isFollowed }: Place): void {
    if (isFollowed) this.#passOn.run(position);
    this.#removeAt.run(position);
  }

  /** After a damaged message went: which lane it was in, and who was behind it, is not known. */
  findHeads(): void {
    this.#findHeads.run();
  }

  /** Removes the timers of a source. */
  removeTimers(source: string): void {
    this.#removeTimers.run(source);
  }

  /** How many ordered messages of a source are stored. */
  unsent(source: string): number {
    return firstNumber(this.#unsent.get(source));
  }

  claim(claim: MessageClaim): readonly StoredMessage[] {
    const { wall, retry } = claim;
    const taken = new Taken(claim);
    const heads = claim.isDoubtful ? this.#claimDoubtful : this.#claim;
    for (const row of heads.iterate(wall)) if (!taken.takes(row)) break;
    for (const head of taken.rows.slice()) this.#follow(head, taken);
    return taken.rows.map(([position, , ...columns]) => {
      const attempts = Number(columns[ATTEMPTS]);
      const dueAt = wall + Math.min(retry.maxMs, retry.firstMs * 2 ** attempts);
      this.#claimed.run(dueAt, position);
      return {
        ...messageAmongOthers(storedMessage, columns),
        dueAt,
        attempts: attempts + 1,
      };
    });
  }

  /** Takes what comes right behind a head. */
  #follow([position, , , source, target, , , , , flags]: ClaimedRow, taken: Taken): void {
    if (source === null || (flags & 1) === 0 || taken.isFull) return;
    const behind = this.#behind.iterate(source, target, position, taken.laneMax - 1);
    for (const row of behind) if (!taken.isWanted(row) || !taken.takes(row)) return;
  }

  nextDueAt(): number | undefined {
    const row = this.#nextDueAt.get();
    return row === undefined ? undefined : firstNumber(row);
  }

  postpone({ id, sentAt, dueAt, attempts, error, isUnderWay = false }: Postponement): void {
    this.#postpone.run(dueAt, attempts, error ?? null, Number(isUnderWay), id, sentAt);
  }

  /** Gives a message up. */
  parkAt(place: Place, error: string, at: number): void {
    this.#park.run(error, at, place.position);
    this.removeAt(place);
  }
}

type ClaimedRow = readonly [position: number, isDoubtful: 0 | 1, ...columns: StoredColumns];

/** What a claim has taken so far. */
class Taken {
  readonly rows: ClaimedRow[] = [];
  readonly #claim: MessageClaim;
  #units = 0;
  isFull = false;

  constructor(claim: MessageClaim) {
    this.#claim = claim;
  }

  get laneMax(): number {
    return this.#claim.laneMax;
  }

  /** Whether one that waits in its lane may be claimed with those before it. */
  isWanted([, isDoubtful, ...columns]: ClaimedRow): boolean {
    return columns[DUE_AT] <= this.#claim.wall && (isDoubtful === 1) === this.#claim.isDoubtful;
  }

  /** Takes a message, unless it is too much; then nothing more is taken. */
  takes(row: ClaimedRow): boolean {
    const { limit, unitsMax } = this.#claim;
    const [, , ...columns] = row;
    this.#units += columns[PAYLOAD]?.length ?? 0;
    this.isFull ||= this.rows.length >= limit;
    this.isFull ||= this.rows.length > 0 && this.#units > unitsMax;
    if (!this.isFull) this.rows.push(row);
    return !this.isFull;
  }
}

const PAYLOAD = 5;
const DUE_AT = 9;
const ATTEMPTS = 10;

function placeIn(row: unknown): Place | undefined {
  if (row === undefined) return undefined;
  const [position, isFollowed] = row as readonly [position: number, isFollowed: 0 | 1];
  return { position, isFollowed: isFollowed === 1 };
}

function firstNumber(row: unknown): number {
  return Number((row as readonly unknown[])[0]);
}

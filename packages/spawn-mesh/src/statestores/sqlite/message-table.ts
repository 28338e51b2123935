/**
 * Messages in the file: what commits add to and take from them, and what finds them again.
 *
 * A message is a row whose rowid is its place in line. What is due is found by an index on the time; an
 * earlier message of the same lane by an index on source and target that has ordered messages only. So
 * neither costs more when a million wait for next week.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type {
  MessageClaim,
  MessageRef,
  Postponement,
  StoredMessage,
} from "../../engine/message-store.ts";
import { describeThrown } from "../../engine/errors.ts";
import { prepareArrays } from "./connection.ts";
import { type MessageColumns, MESSAGE_COLUMNS, storedMessage } from "./message-rows.ts";
import { type StoredColumns, STORED_COLUMNS } from "./message-rows.ts";

/** Whether an earlier message of the lane of `m` is due later, with `condition` or is otherwise in the way. */
function isBlocked(condition = ""): string {
  return `EXISTS (SELECT 1 FROM spawn_message AS e
    WHERE m.flags & 1 AND e.source = m.source AND e.target = m.target AND e.flags & 1
      AND e.position < m.position AND (e.due_at > m.due_at ${condition}))`;
}

const messageQueries = {
  claim: `SELECT position, ${STORED_COLUMNS} FROM spawn_message AS m
    WHERE due_at <= ?1 AND attempts >= ?2 AND attempts < ?3
      AND NOT ${isBlocked("OR e.attempts < ?2 OR e.attempts >= ?3")}
    ORDER BY due_at, position`,
  nextDueAt: `SELECT due_at FROM spawn_message AS m WHERE NOT ${isBlocked()}
    ORDER BY due_at, position LIMIT 1`,
  unsent: "SELECT count(*) FROM spawn_message WHERE source = ? AND flags & 1",
  earlier: `SELECT position FROM spawn_message
    WHERE source = ? AND target = ? AND flags & 1 AND position < ? LIMIT ?`,
  findPosition: "SELECT position FROM spawn_message WHERE id = ? AND sent_at = ?",
  remove: "DELETE FROM spawn_message WHERE id = ?",
  removeTimers: "DELETE FROM spawn_message WHERE source = ? AND flags & 2",
} as const;

export class MessageTable {
  readonly #findAny: StatementSync;
  readonly #findPosition: StatementSync;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeAt: StatementSync;
  readonly #removeTimers: StatementSync;
  readonly #unsent: StatementSync;
  readonly #claim: StatementSync;
  readonly #claimed: StatementSync;
  readonly #earlier: StatementSync;
  readonly #park: StatementSync;
  readonly #nextDueAt: StatementSync;
  readonly #postpone: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string): StatementSync => prepareArrays(database, sql);
    this.#findAny = prepare("SELECT EXISTS (SELECT 1 FROM spawn_message)");
    this.#findPosition = prepare(messageQueries.findPosition);
    this.#find = prepare(`SELECT ${STORED_COLUMNS} FROM spawn_message WHERE id = ?`);
    this.#add = prepare(
      `INSERT OR IGNORE INTO spawn_message (${MESSAGE_COLUMNS}, attempts)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0
       WHERE NOT EXISTS (SELECT 1 FROM spawn_parked WHERE id = ?1)`,
    );
    this.#remove = prepare(messageQueries.remove);
    this.#removeAt = prepare("DELETE FROM spawn_message WHERE position = ?");
    this.#removeTimers = prepare(messageQueries.removeTimers);
    this.#unsent = prepare(messageQueries.unsent);
    this.#claim = prepare(messageQueries.claim);
    this.#earlier = prepare(messageQueries.earlier);
    this.#claimed = prepare(
      "UPDATE spawn_message SET attempts = attempts + 1, due_at = ? WHERE position = ?",
    );
    this.#park = prepare(
      `INSERT INTO spawn_parked (${STORED_COLUMNS}, parked_at)
       SELECT ${MESSAGE_COLUMNS}, attempts, ?, ? FROM spawn_message WHERE position = ?`,
    );
    this.#nextDueAt = prepare(messageQueries.nextDueAt);
    this.#postpone = prepare(
      "UPDATE spawn_message SET due_at = ?, attempts = ?, error = ? WHERE id = ? AND sent_at = ?",
    );
  }

  /** Whether there is any message, so that loads need not look for those of each actor. */
  get isEmpty(): boolean {
    return firstNumber(this.#findAny.get()) === 0;
  }

  /** The place of a message; `undefined` when it is not stored. */
  positionOf({ id, sentAt }: MessageRef): number | undefined {
    const row = this.#findPosition.get(id, sentAt);
    return row === undefined ? undefined : firstNumber(row);
  }

  find(id: string): StoredColumns | undefined {
    return this.#find.get(id) as StoredColumns | undefined;
  }

  /** Adds messages; one whose id is stored or parked already is left out. */
  add(messages: readonly MessageColumns[]): void {
    for (const columns of messages) this.#add.run(...columns);
  }

  /** Removes whatever message of that id is stored; answers whether there was one. */
  remove(id: string): boolean {
    return this.#remove.run(id).changes === 1;
  }

  removeAt(position: number): void {
    this.#removeAt.run(position);
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
    const { wall, attemptsFrom, attemptsBelow, limit, unitsMax, retry } = claim;
    const rows = this.#claim.iterate(wall, attemptsFrom, attemptsBelow);
    const claimed: (readonly [position: number, columns: StoredColumns])[] = [];
    const lanes = new Map<string, number>();
    let units = 0;
    for (const row of rows as unknown as Iterable<readonly [number, ...StoredColumns]>) {
      if (claimed.length === limit) break;
      const [position, ...columns] = row;
      if (!this.#isNext(position, columns, lanes)) continue;
      units += columns[PAYLOAD]?.length ?? 0;
      if (claimed.length > 0 && units > unitsMax) break;
      claimed.push([position, columns]);
    }
    return claimed.flatMap(([position, columns]) => {
      const attempts = columns[ATTEMPTS];
      const dueAt = wall + Math.min(retry.maxMs, retry.firstMs * 2 ** attempts);
      this.#claimed.run(dueAt, position);
      try {
        return { ...storedMessage(columns), dueAt, attempts: attempts + 1 };
      } catch (error) {
        // It would stop those behind it for ever.
        this.parkAt(position, describeThrown(error), wall);
        return [];
      }
    });
  }

  /**
   * Whether all earlier messages of its lane are claimed already. The query leaves out most that are
   * not; but one that waits for another may have been due before a later one that does not.
   *
   * @param lanes how many are claimed of each; counts this one
   */
  #isNext(position: number, columns: StoredColumns, lanes: Map<string, number>): boolean {
    const [, source, target, , , , , flags] = columns;
    if (source === null || (flags & 1) === 0) return true;
    const lane = `${source} ${target}`;
    const claimed = lanes.get(lane) ?? 0;
    const earlier = this.#earlier.all(source, target, position, claimed + 1);
    if (earlier.length > claimed) return false;
    lanes.set(lane, claimed + 1);
    return true;
  }

  nextDueAt(): number | undefined {
    const row = this.#nextDueAt.get();
    return row === undefined ? undefined : firstNumber(row);
  }

  postpone({ id, sentAt, dueAt, attempts, error }: Postponement): void {
    this.#postpone.run(dueAt, attempts, error ?? null, id, sentAt);
  }

  /** Gives a message up. */
  parkAt(position: number, error: string, at: number): void {
    this.#park.run(error, at, position);
    this.removeAt(position);
  }
}

const PAYLOAD = 5;
const ATTEMPTS = 10;

function firstNumber(row: unknown): number {
  return Number((row as readonly unknown[])[0]);
}

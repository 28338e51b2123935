/**
 * Claims messages step by step, for databases that cannot do it in one statement: finds and locks what is
 * first in line, then what comes right behind it, takes as many as the bounds allow, makes them due later
 * and reads them.
 */
import type { MessageClaim } from "../../engine/message-store.ts";
import { latin1 } from "./actor-key.ts";
import type { Dialect, RowLock, SqlDriver, SqlTransaction } from "./dialect.ts";
import { bytesOf, numberOf } from "./driver-values.ts";
import { isClaimable, MESSAGE_COLUMNS } from "./message-rows.ts";
import { joined, type Sql, sql, type SqlResult, text } from "./sql.ts";

interface Candidate {
  readonly position: number;
  readonly lane: Uint8Array | undefined;
  readonly units: number;
}

export interface ClaimDialect extends Pick<Dialect, "among" | "laneHeads" | "limit"> {
  /** Leaves out rows that others have locked. */
  readonly skipLocked: RowLock;
  /** The time between two attempts, from the column `attempts`. */
  retryMs(retry: MessageClaim["retry"]): Sql;
}

export async function claimStepByStep(
  dialect: ClaimDialect,
  driver: SqlDriver,
  claim: MessageClaim,
): Promise<SqlResult["rows"]> {
  return await driver.converse(async (transaction) => {
    const step = new ClaimSteps(dialect, transaction, claim);
    const first = await step.lockFirst();
    const behind = first.length < claim.limit ? await step.lockBehind(first) : [];
    return await step.take(withinBounds([...first, ...behind], claim));
  });
}

class ClaimSteps {
  readonly #dialect: ClaimDialect;
  readonly #transaction: SqlTransaction;
  readonly #claim: MessageClaim;

  constructor(dialect: ClaimDialect, transaction: SqlTransaction, claim: MessageClaim) {
    this.#dialect = dialect;
    this.#transaction = transaction;
    this.#claim = claim;
  }

  /** Heads and messages without a lane. Looking does not lock what is passed over. */
  async lockFirst(): Promise<readonly Candidate[]> {
    const ready = sql`${isClaimable("m", this.#claim)} ORDER BY m.due_at, m.position
      ${this.#dialect.limit(this.#claim.limit)}`;
    const { rows } = await this.#transaction.run(
      sql`SELECT position FROM (
          SELECT * FROM (SELECT m.position, m.due_at FROM spawn_outbox m
            WHERE m.lane IS NULL AND ${ready}) alone
          UNION ALL
          SELECT * FROM (SELECT m.position, m.due_at FROM ${this.#dialect.laneHeads}
            JOIN spawn_outbox m ON m.position = heads.position WHERE ${ready}) head) ready
        ORDER BY due_at, position ${this.#dialect.limit(this.#claim.limit)}`,
    );
    return await this.#lock(rows.map(([position]) => numberOf(position)));
  }

  /** What comes right behind each of them in its lane, without gaps. */
  async lockBehind(first: readonly Candidate[]): Promise<readonly Candidate[]> {
    const selects = first.flatMap(({ lane, position }) =>
      lane === undefined ? [] : this.#behind(lane, position),
    );
    if (selects.length === 0 || this.#claim.laneMax < 2) return [];
    const { rows } = await this.#transaction.run(
      sql`SELECT lane, position, is_next FROM (${joined(selects, " UNION ALL ")}) behind
        ORDER BY position`,
    );
    const lanes = new Map<string, number[]>();
    const ended = new Set<string>();
    for (const [lane, position, isNext] of rows) {
      const id = latin1(bytesOf(lane));
      if (numberOf(isNext) !== 1) ended.add(id);
      if (ended.has(id)) continue;
      lanes.set(id, [...(lanes.get(id) ?? []), numberOf(position)]);
    }
    const locked = await this.#lock([...lanes.values()].flat());
    const byPosition = new Map(locked.map((candidate) => [candidate.position, candidate]));
    return first.flatMap(({ lane }) => {
      const positions = lane === undefined ? [] : (lanes.get(latin1(lane)) ?? []);
      const end = positions.findIndex((position) => !byPosition.has(position));
      const next = end === -1 ? positions : positions.slice(0, end);
      return next.map((position) => byPosition.get(position)!);
    });
  }

  /** Counts an attempt, makes them due later and answers them, in order. */
  async take(taken: readonly Candidate[]): Promise<SqlResult["rows"]> {
    if (taken.length === 0) return [];
    const positions = taken.map(({ position }) => position);
    const areTaken = this.#dialect.among("position", "bigint", positions);
    const { wall, retry } = this.#claim;
    await this.#transaction.run(
      sql`UPDATE spawn_outbox SET due_at = ${wall} + ${this.#dialect.retryMs(retry)},
        attempts = attempts + 1, is_unanswered = 1 WHERE ${areTaken}`,
    );
    const { rows } = await this.#transaction.run(
      sql`SELECT ${text(MESSAGE_COLUMNS)}, position FROM spawn_outbox WHERE ${areTaken}`,
    );
    const place = new Map(positions.map((position, at) => [position, at]));
    const placeOf = (row: readonly unknown[]): number => place.get(numberOf(row.at(-1)))!;
    return rows.toSorted((a, b) => placeOf(a) - placeOf(b));
  }

  #behind(lane: Uint8Array, position: number): Sql {
    return sql`SELECT * FROM (SELECT m.lane, m.position,
        CASE WHEN ${isClaimable("m", this.#claim)} THEN 1 ELSE 0 END AS is_next
      FROM spawn_outbox m WHERE m.lane = ${lane} AND m.position > ${position}
      ORDER BY m.position ${this.#dialect.limit(this.#claim.laneMax - 1)}) line`;
  }

  /** Those that nobody else has locked, and that are still to be claimed. */
  async #lock(positions: readonly number[]): Promise<readonly Candidate[]> {
    if (positions.length === 0) return [];
    const { rows } = await this.#transaction.run(
      sql`SELECT m.position, m.lane, m.units FROM spawn_outbox m ${this.#dialect.skipLocked.hint}
        WHERE ${this.#dialect.among("m.position", "bigint", positions)}
          AND ${isClaimable("m", this.#claim)}
        ORDER BY m.due_at, m.position ${this.#dialect.skipLocked.ending}`,
    );
    return rows.map(([position, lane, units]) => ({
      position: numberOf(position),
      lane: lane === null ? undefined : bytesOf(lane),
      units: numberOf(units),
    }));
  }
}

/** As many as limit and payloads allow, the first in any case. */
function withinBounds(
  candidates: readonly Candidate[],
  { limit, unitsMax }: MessageClaim,
): readonly Candidate[] {
  let units = 0;
  const end = candidates.findIndex((candidate, index) => {
    units += candidate.units;
    return index === limit || (index > 0 && units > unitsMax);
  });
  return end === -1 ? candidates : candidates.slice(0, end);
}

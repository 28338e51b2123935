/**
 * Claims messages step by step, for databases that cannot do it in one statement: locks candidates,
 * leaves out those of which an earlier one of the lane is no candidate, takes as many as the bounds
 * allow, makes them due later and reads them.
 */
import type { MessageClaim } from "../../engine/message-store.ts";
import { latin1 } from "./actor-key.ts";
import type { Dialect, SqlDriver, SqlTransaction } from "./dialect.ts";
import { bytesOf, numberOf } from "./driver-values.ts";
import { MESSAGE_COLUMNS } from "./message-rows.ts";
import { joined, type Sql, sql, type SqlResult, text } from "./sql.ts";

interface Candidate {
  readonly position: number;
  readonly lane: Uint8Array | undefined;
  readonly units: number;
}

export interface ClaimDialect extends Pick<Dialect, "among"> {
  /** Ends a SELECT: locks its rows and leaves out what others have locked. */
  readonly skipLocked: Sql;
  /** The time between two attempts, from the column `attempts`. */
  retryMs(retry: MessageClaim["retry"]): Sql;
}

export async function claimStepByStep(
  dialect: ClaimDialect,
  driver: SqlDriver,
  claim: MessageClaim,
): Promise<SqlResult["rows"]> {
  return await driver.converse(async (transaction) => {
    const candidates = await lockCandidates(dialect, transaction, claim);
    const next = await leaveOutBlocked(transaction, candidates);
    const taken = withinBounds(next, claim).map(({ position }) => position);
    if (taken.length === 0) return [];
    const areTaken = dialect.among("position", "bigint", taken);
    await transaction.run(
      sql`UPDATE spawn_outbox SET due_at = ${claim.wall} + ${dialect.retryMs(claim.retry)},
        attempts = attempts + 1 WHERE ${areTaken}`,
    );
    const { rows } = await transaction.run(
      sql`SELECT ${text(MESSAGE_COLUMNS)}, position FROM spawn_outbox WHERE ${areTaken}`,
    );
    const place = new Map(taken.map((position, at) => [position, at]));
    const placeOf = (row: readonly unknown[]): number => place.get(numberOf(row.at(-1)))!;
    return rows.toSorted((a, b) => placeOf(a) - placeOf(b));
  });
}

async function lockCandidates(
  dialect: ClaimDialect,
  transaction: SqlTransaction,
  { wall, attemptsFrom, attemptsBelow, limit }: MessageClaim,
): Promise<readonly Candidate[]> {
  const { rows } = await transaction.run(
    sql`SELECT m.position, m.lane, m.units FROM spawn_outbox m
      WHERE m.due_at <= ${wall} AND m.attempts >= ${attemptsFrom} AND m.attempts < ${attemptsBelow}
        AND NOT EXISTS (SELECT 1 FROM spawn_outbox e
          WHERE e.lane = m.lane AND e.position < m.position AND (e.due_at > m.due_at
            OR e.attempts < ${attemptsFrom} OR e.attempts >= ${attemptsBelow}))
      ORDER BY m.due_at, m.position LIMIT ${limit} ${dialect.skipLocked}`,
  );
  return rows.map(([position, lane, units]) => ({
    position: numberOf(position),
    lane: lane === null ? undefined : bytesOf(lane),
    units: numberOf(units),
  }));
}

/** Leaves out those of which an earlier one of the lane is not among them. */
async function leaveOutBlocked(
  transaction: SqlTransaction,
  candidates: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const lanes = new Map<string, Lane>();
  for (const { lane } of candidates) {
    if (lane === undefined) continue;
    const id = latin1(lane);
    lanes.set(id, { key: lane, count: (lanes.get(id)?.count ?? 0) + 1 });
  }
  if (lanes.size === 0) return candidates;
  const { rows } = await transaction.run(firstOfLanes([...lanes.values()]));
  const positions = new Set(candidates.map(({ position }) => position));
  const next = new Set<number>();
  const stopped = new Set<string>();
  for (const [lane, position] of rows) {
    const id = latin1(bytesOf(lane));
    if (!positions.has(numberOf(position))) stopped.add(id);
    if (!stopped.has(id)) next.add(numberOf(position));
  }
  return candidates.filter(({ lane, position }) => lane === undefined || next.has(position));
}

interface Lane {
  readonly key: Uint8Array;
  /** How many of its messages are candidates. */
  readonly count: number;
}

/** The first messages of each lane, in order: as many as are candidates. */
function firstOfLanes(lanes: readonly Lane[]): Sql {
  const selects = lanes.map(
    ({ key, count }) =>
      sql`(SELECT lane, position FROM spawn_outbox WHERE lane = ${key} ORDER BY position LIMIT ${count})`,
  );
  return sql`SELECT lane, position FROM (${joined(selects, " UNION ALL ")}) firsts ORDER BY position`;
}

/** As many as the payloads allow, the first in any case. */
function withinBounds(
  candidates: readonly Candidate[],
  { unitsMax }: MessageClaim,
): readonly Candidate[] {
  let units = 0;
  const end = candidates.findIndex((candidate, index) => {
    units += candidate.units;
    return index > 0 && units > unitsMax;
  });
  return end === -1 ? candidates : candidates.slice(0, end);
}

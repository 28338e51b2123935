/**
 * Claims messages in one statement: counts an attempt, makes them due later, and answers them.
 *
 * What others have locked is left out, and so is a message of a lane of which an earlier one is left
 * out: only if all earlier ones are among the candidates is it next. An earlier one that is consumed
 * or claimed at this very moment is still counted, so the later one waits for the next claim.
 */
import type { MessageClaim } from "../../engine/message-store.ts";
import { MESSAGE_COLUMNS } from "../sql/message-rows.ts";
import { type Sql, sql, text } from "../sql/sql.ts";
import { prefixed } from "../sql/sql-messages.ts";

/** Doubled so often, the time between attempts is above every bound. */
const DOUBLINGS_MAX = 40;

export function claimStatement(claim: MessageClaim): Sql {
  const { wall, attemptsFrom, attemptsBelow, limit, unitsMax, retry } = claim;
  return sql`WITH candidate AS MATERIALIZED (
      SELECT m.position, m.lane, m.due_at, m.units FROM spawn_outbox m
      WHERE m.due_at <= ${wall} AND m.attempts >= ${attemptsFrom} AND m.attempts < ${attemptsBelow}
        AND NOT EXISTS (SELECT 1 FROM spawn_outbox e
          WHERE e.lane = m.lane AND e.position < m.position AND (e.due_at > m.due_at
            OR e.attempts < ${attemptsFrom} OR e.attempts >= ${attemptsBelow}))
      ORDER BY m.due_at, m.position LIMIT ${limit} FOR UPDATE SKIP LOCKED),
    placed AS (
      SELECT c.*, row_number() OVER (PARTITION BY c.lane ORDER BY c.position) AS place FROM candidate c),
    next AS (
      SELECT position, due_at, sum(units) OVER line AS total, row_number() OVER line AS number
      FROM placed p
      WHERE p.lane IS NULL OR p.place > (SELECT count(*) FROM (
        SELECT 1 FROM spawn_outbox e WHERE e.lane = p.lane AND e.position < p.position LIMIT ${limit}) earlier)
      WINDOW line AS (ORDER BY due_at, position)),
    claimed AS (
      UPDATE spawn_outbox m SET attempts = m.attempts + 1,
        due_at = ${wall}::int8 + least(${retry.maxMs}::int8,
          (${retry.firstMs}::float8 * 2 ^ least(m.attempts, ${text(`${DOUBLINGS_MAX}`)}))::int8)
      FROM next WHERE next.position = m.position AND (next.number = 1 OR next.total <= ${unitsMax})
      RETURNING ${text(prefixed("m", MESSAGE_COLUMNS))}, next.number)
    SELECT * FROM claimed ORDER BY number`;
}

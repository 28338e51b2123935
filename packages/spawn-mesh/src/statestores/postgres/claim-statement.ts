/**
 * Claims messages in one statement: counts an attempt, makes them due later, and answers them.
 *
 * Heads of lanes are found by jumping from one lane to the next, so what waits behind them costs nothing.
 * What others have locked is left out: a lane whose head is being consumed or claimed at this very moment
 * waits for the next claim, and one behind a head is only taken if all between the two are.
 */
import type { MessageClaim } from "../../engine/message-store.ts";
import { isClaimable, MESSAGE_COLUMNS } from "../sql/message-rows.ts";
import { type Sql, sql, text } from "../sql/sql.ts";
import { prefixed } from "../sql/sql-messages.ts";

/** Doubled so often, the time between attempts is above every bound. */
const DOUBLINGS_MAX = 40;

export const laneHeads: Sql = sql`(
  WITH RECURSIVE head AS (
    (SELECT lane, position FROM spawn_outbox WHERE lane IS NOT NULL ORDER BY lane, position LIMIT 1)
    UNION ALL
    SELECT n.lane, n.position FROM head h CROSS JOIN LATERAL (
      SELECT e.lane, e.position FROM spawn_outbox e WHERE e.lane > h.lane
      ORDER BY e.lane, e.position LIMIT 1) n)
  SELECT position FROM head) heads`;

export function claimStatement(claim: MessageClaim): Sql {
  const { wall, limit, laneMax, unitsMax, retry } = claim;
  const ready = sql`${isClaimable("m", claim)} ORDER BY m.due_at, m.position LIMIT ${limit}`;
  return sql`WITH alone AS MATERIALIZED (
      SELECT m.position, m.lane, m.due_at, m.units FROM spawn_outbox m
      WHERE m.lane IS NULL AND ${ready} FOR UPDATE OF m SKIP LOCKED),
    head AS MATERIALIZED (
      SELECT m.position, m.lane, m.due_at, m.units FROM ${laneHeads}
      JOIN spawn_outbox m ON m.position = heads.position
      WHERE ${ready} FOR UPDATE OF m SKIP LOCKED),
    first AS (
      SELECT f.*, row_number() OVER (ORDER BY due_at, position) AS place
      FROM (SELECT * FROM alone UNION ALL SELECT * FROM head) f),
    behind AS (
      SELECT f.place AS head, b.position, b.place FROM first f CROSS JOIN LATERAL (
        SELECT e.position, row_number() OVER line AS place,
          bool_and(${isClaimable("e", claim)}) OVER line AS is_next
        FROM (SELECT * FROM spawn_outbox o WHERE o.lane = f.lane AND o.position > f.position
          ORDER BY o.lane, o.position LIMIT ${laneMax - 1}) e
        WINDOW line AS (ORDER BY e.position)) b
      WHERE b.is_next AND (SELECT count(*) FROM first) < ${limit}),
    locked AS MATERIALIZED (
      SELECT m.position, m.units FROM spawn_outbox m
      WHERE m.position = ANY(ARRAY(SELECT position FROM behind)) AND ${isClaimable("m", claim)}
      FOR UPDATE SKIP LOCKED),
    line AS (
      SELECT position, units, 0 AS is_behind, place AS head, 0 AS place FROM first
      UNION ALL
      SELECT position, units, 1, head, place FROM (
        SELECT b.*, l.units, row_number() OVER (PARTITION BY head ORDER BY place) AS found
        FROM behind b JOIN locked l ON l.position = b.position) l
      WHERE found = place),
    next AS (
      SELECT position, row_number() OVER line AS number, sum(units) OVER line AS total FROM line
      WINDOW line AS (ORDER BY is_behind, head, place)),
    claimed AS (
      UPDATE spawn_outbox m SET attempts = m.attempts + 1, is_unanswered = 1,
        due_at = ${wall}::int8 + least(${retry.maxMs}::int8,
          (${retry.firstMs}::float8 * 2 ^ least(m.attempts, ${text(`${DOUBLINGS_MAX}`)}))::int8)
      FROM next WHERE next.position = m.position
        AND (next.number = 1 OR (next.number <= ${limit} AND next.total <= ${unitsMax}))
      RETURNING ${text(prefixed("m", MESSAGE_COLUMNS))}, next.number)
    SELECT * FROM claimed ORDER BY number`;
}

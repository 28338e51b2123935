/** How SQL Server says what databases say differently. There is no MERGE here: it is not atomic. */
import { type Commit, StoreFailure } from "../../engine/statestore.ts";
import { claimStepByStep, type ClaimDialect } from "../sql/claim-conversation.ts";
import { commitScript, type ScriptDialect } from "../sql/commit-script.ts";
import type { Dialect } from "../sql/dialect.ts";
import { joined, sql, text } from "../sql/sql.ts";
import { checkDurability } from "./durability.ts";
import { migrations } from "./migrations.ts";
import { CHANGED } from "./mssql-batch.ts";

/** Well below the 5 000 locks with which a transaction takes the whole table. */
const COMMIT_ROWS_MAX = 256;
const GIVEN_ROWS_MAX = 500;
/** Doubled so often, the time between attempts is above every bound. */
const DOUBLINGS_MAX = 40;

const parts = {
  givenRowsMax: GIVEN_ROWS_MAX,
  limit: (rows, skipped = 0) => sql`OFFSET ${skipped} ROWS FETCH NEXT ${rows} ROWS ONLY`,
  byteLength: (column) => text(`DATALENGTH(${column})`),
  lock: { hint: text("WITH (UPDLOCK, ROWLOCK)"), ending: text("") },
  among: (column, _, values) =>
    values.length === 0
      ? text("1 = 0")
      : sql`${text(column)} IN (${joined(
          values.map((value) => sql`${value}`),
          ", ",
        )})`,
  given({ name, columns, rows }) {
    const names = Object.keys(columns);
    if (rows.length === 0) {
      const none = names.map((column) => `NULL AS ${column}`).join(", ");
      return text(`(SELECT ${none} WHERE 1 = 0) ${name}`);
    }
    const values = rows.map(
      (row) =>
        sql`(${joined(
          row.map((value) => sql`${value}`),
          ", ",
        )})`,
    );
    return sql`(VALUES ${joined(values, ", ")}) ${text(`${name} (${names.join(", ")})`)}`;
  },
  laneHeads: text(
    "(SELECT MIN(position) AS position FROM spawn_outbox WHERE lane IS NOT NULL GROUP BY lane) heads",
  ),
  // The indexes say it.
  orLeave: () => text(""),
  remember: (name) => text(`DECLARE @${name} INT = ${CHANGED}`),
  remembered: (name) => text(`@${name} = 1`),
  nowhere: text(""),
  trimHistory: ({ key, kept }, condition) =>
    sql`DELETE FROM spawn_history WHERE ${condition} AND k = ${key} AND rev <= (SELECT rev
      FROM spawn_history WHERE k = ${key} ORDER BY rev DESC OFFSET ${kept} ROWS FETCH NEXT 1 ROWS ONLY)`,
  ageHistory: ({ key, since }, condition) =>
    sql`DELETE FROM spawn_history WHERE ${condition} AND k = ${key} AND rev < (SELECT rev
      FROM spawn_history WHERE k = ${key} AND at <= ${since}
      ORDER BY rev DESC OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY)`,
  skipLocked: { hint: text("WITH (UPDLOCK, ROWLOCK, READPAST)"), ending: text("") },
  retryMs: ({ firstMs, maxMs }) =>
    sql`CASE WHEN attempts >= ${DOUBLINGS_MAX} THEN ${maxMs}
      WHEN ${firstMs} * POWER(2e0, attempts) >= ${maxMs} THEN ${maxMs}
      ELSE CAST(${firstMs} * POWER(2e0, attempts) AS BIGINT) END`,
} satisfies ScriptDialect & ClaimDialect & Partial<Dialect>;

export const mssqlDialect: Dialect = {
  ...parts,
  migrations,
  // Byte by byte, whatever the collation of the database is.
  contains: (column, part) =>
    sql`CHARINDEX(CAST(${part} AS VARCHAR(8000)),
      CAST(${text(column)} AS VARCHAR(MAX)) COLLATE Latin1_General_BIN2) > 0`,
  commitRowsMax: COMMIT_ROWS_MAX,
  prune: (wall, limit) => sql`DELETE TOP (${limit}) FROM spawn_inbox WHERE expire_at < ${wall}`,
  commit(owner, commits) {
    for (const { commit } of commits) checkKeys(commit);
    return commitScript(parts, owner, commits);
  },
  claim: (driver, claim) => claimStepByStep(parts, driver, claim),
  check: checkDurability,
};

/**
 * Of binary values this database compares the shorter one as if it ended with zeros. Other keys have no such end:
 * names have no control characters, values of an index an end of their own.
 */
function checkKeys({ replies }: Commit): void {
  if (!replies.some(({ key }) => key.endsWith("\0"))) return;
  const message = "SQL Server cannot tell an idempotency key that ends with NUL from one without";
  throw new StoreFailure("rows", message);
}

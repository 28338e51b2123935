/** How MySQL and MariaDB say what databases say differently, and what differs between the two. */
import { claimStepByStep, type ClaimDialect } from "../sql/claim-conversation.ts";
import { commitScript, type ScriptDialect } from "../sql/commit-script.ts";
import { commonForms, type Dialect } from "../sql/dialect.ts";
import { joined, sql, text } from "../sql/sql.ts";
import { checkDurability } from "./durability.ts";
import { commitTogether } from "./commit-together.ts";
import { migrations } from "./migrations.ts";
import { addMissing } from "./missing-rows.ts";

/** Texts of scripts stay well below the packet that servers take unless told otherwise. */
const COMMIT_ROWS_MAX = 256;
/** A union of rows cuts off what is longer than 64 KiB; so what may be long is given row by row. */
const GIVEN_ROWS_MAX = 1;
/** Doubled so often, the time between attempts is above every bound. */
const DOUBLINGS_MAX = 40;

const parts = {
  ...commonForms,
  givenRowsMax: GIVEN_ROWS_MAX,
  among: (column, _, values) =>
    values.length === 0
      ? text("1 = 0")
      : sql`${text(column)} IN (${joined(
          values.map((value) => sql`${value}`),
          ", ",
        )})`,
  given({ name, columns, rows }) {
    const names = Object.keys(columns);
    const selects = rows.map((row) => {
      const values = names.map((column, at) => sql`${row[at]!} AS ${text(column)}`);
      return sql`SELECT ${joined(values, ", ")}`;
    });
    const none = text(`SELECT ${names.map((column) => `NULL AS ${column}`).join(", ")} LIMIT 0`);
    return sql`(${joined(selects.length === 0 ? [none] : selects, " UNION ALL ")}) ${text(name)}`;
  },
  // Grouped by the beginning of an index, it jumps from one lane to the next.
  laneHeads: text(
    "(SELECT MIN(position) AS position FROM spawn_outbox WHERE lane IS NOT NULL GROUP BY lane) heads",
  ),
  orLeave: (table, key) => text(`ON DUPLICATE KEY UPDATE ${table}.${key} = ${table}.${key}`),
  remember: (name) => text(`SET @${name} = ROW_COUNT()`),
  remembered: (name) => text(`@${name} = 1`),
  nowhere: text("FROM DUAL"),
  // A table that is deleted from may not be read, unless as a table of its own.
  trimHistory: ({ key, kept }, condition) =>
    sql`DELETE FROM spawn_history WHERE ${condition} AND k = ${key} AND rev <= (SELECT rev FROM
      (SELECT rev FROM spawn_history WHERE k = ${key} ORDER BY rev DESC LIMIT 1 OFFSET ${kept}) oldest)`,
  ageHistory: ({ key, since }, condition) =>
    sql`DELETE FROM spawn_history WHERE ${condition} AND k = ${key} AND rev < (SELECT rev FROM
      (SELECT rev FROM spawn_history WHERE k = ${key} AND at <= ${since} ORDER BY rev DESC LIMIT 1) oldest)`,
  skipLocked: { hint: text(""), ending: text("FOR UPDATE SKIP LOCKED") },
  retryMs: ({ firstMs, maxMs }) =>
    sql`LEAST(${maxMs}, ${firstMs} * POW(2, LEAST(attempts, ${DOUBLINGS_MAX})))`,
} satisfies ScriptDialect & ClaimDialect;

export const mysqlDialect: Dialect = {
  ...parts,
  migrations,
  contains: (column, part) => sql`LOCATE(${part}, ${text(column)}) > 0`,
  commitRowsMax: COMMIT_ROWS_MAX,
  prune: (wall, limit) =>
    sql`DELETE FROM spawn_inbox WHERE expire_at < ${wall} ORDER BY expire_at LIMIT ${limit}`,
  addMissing: (rows) => addMissing(parts, rows),
  commit: (owner, commits) => commitScript(parts, owner, commits),
  commitTogether: (owner, commits) => commitTogether(parts, owner, commits),
  claim: (driver, claim) => claimStepByStep(parts, driver, claim),
  check: checkDurability,
};

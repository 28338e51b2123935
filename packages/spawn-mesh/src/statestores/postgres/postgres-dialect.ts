/** How PostgreSQL says what databases say differently. */
import { commonForms, type Dialect } from "../sql/dialect.ts";
import { joined, sql, text } from "../sql/sql.ts";
import { claimStatement, laneHeads } from "./claim-statement.ts";
import { commitScript } from "./commit-statement.ts";
import { checkDurability } from "./durability.ts";
import { among, given } from "./given-rows.ts";
import { migrations } from "./migrations.ts";

/** As many as a group of the engine has. */
const COMMIT_ROWS_MAX = 512;
const GIVEN_ROWS_MAX = 1_000;

export const postgresDialect: Dialect = {
  ...commonForms,
  // Until a table was analyzed, so few rows are expected that it seems cheapest to read and sort them.
  beforeWalk: [
    sql`SELECT ${joined(
      ["bitmapscan", "seqscan", "sort", "hashjoin", "mergejoin"].map((way) =>
        text(`set_config('enable_${way}', 'off', true)`),
      ),
      ", ",
    )}`,
  ],
  migrations,
  commitRowsMax: COMMIT_ROWS_MAX,
  givenRowsMax: GIVEN_ROWS_MAX,
  among,
  contains: (column, part) => sql`position(${part} IN ${text(column)}) > 0`,
  given,
  laneHeads,
  orLeave: (_, key) => text(`ON CONFLICT (${key}) DO NOTHING`),
  prune: (wall, limit) =>
    sql`DELETE FROM spawn_inbox WHERE (k, id) IN
      (SELECT k, id FROM spawn_inbox WHERE expire_at < ${wall} ORDER BY expire_at LIMIT ${limit})`,
  commit: commitScript,
  claim: async (driver, claim) => (await driver.query(claimStatement(claim))).rows,
  check: checkDurability,
};

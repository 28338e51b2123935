/** How CockroachDB says what it says differently from PostgreSQL. */
import { SpawnError } from "../../engine/errors.ts";
import { decisiveStatement, isCreate } from "../postgres/commit-statement.ts";
import { migrations } from "../postgres/migrations.ts";
import { postgresDialect } from "../postgres/postgres-dialect.ts";
import type { KeyedCommit } from "../sql/commit-group.ts";
import { partsOf, type PartsDialect } from "../sql/commit-script.ts";
import type { CommitScript, Dialect } from "../sql/dialect.ts";
import { textOf } from "../sql/driver-values.ts";
import { sql, text } from "../sql/sql.ts";

const SEQUENCE = "spawn_outbox_place";

const parts: PartsDialect = {
  ...postgresDialect,
  nowhere: text(""),
  trimHistory: ({ key, kept }, condition) =>
    sql`DELETE FROM spawn_history WHERE ${condition} AND k = ${key} AND rev <=
      (SELECT rev FROM spawn_history WHERE k = ${key} ORDER BY rev DESC LIMIT 1 OFFSET ${kept})`,
  ageHistory: ({ key, since }, condition) =>
    sql`DELETE FROM spawn_history WHERE ${condition} AND k = ${key} AND rev <
      (SELECT rev FROM spawn_history WHERE k = ${key} AND at <= ${since} ORDER BY rev DESC LIMIT 1)`,
};

export const cockroachDialect: Dialect = {
  ...postgresDialect,
  beforeWalk: [],
  migrations: {
    ...migrations,
    makeVersions: migrations.makeVersions.map(adapted),
    steps: migrations.steps.map(({ oldest, statements }) => ({
      oldest,
      statements: [`CREATE SEQUENCE IF NOT EXISTS ${SEQUENCE}`, ...statements.map(adapted)],
    })),
  },
  commit: commitInSteps,
  async check(driver) {
    const { rows } = await driver.query(sql`SELECT current_setting('transaction_read_only')`);
    if (textOf(rows[0]?.[0]) !== "on") return [];
    throw new SpawnError(
      "STATESTORE_UNAVAILABLE",
      "the database only lets this user read: nothing can be stored there",
    );
  },
};

/** Texts compare byte by byte anyway, and a number of a row only has to be unique. */
function adapted(statement: string): string {
  return statement
    .replaceAll(' COLLATE "C"', "")
    .replace("BIGSERIAL PRIMARY KEY", `BIGINT PRIMARY KEY DEFAULT nextval('${SEQUENCE}')`)
    .replace(" WITH (fillfactor = 70)", "");
}

/** Updates and creates decide, each in a statement of its own; then comes what belongs to those that were applied. */
function commitInSteps(owner: string, commits: readonly KeyedCommit[]): CommitScript {
  const kinds = [
    commits.filter((keyed) => !isCreate(keyed)),
    commits.filter((keyed) => isCreate(keyed)),
  ].filter((kind) => kind.length > 0);
  const hasParts = commits.some((keyed) => partsOf(parts, keyed, sql`true`).length > 0);
  return {
    statements: kinds.map((kind) => decisiveStatement(owner, kind)),
    isApplied(results) {
      const applied = new Set(
        results.flatMap(({ rows }, at) => rows.map(([index]) => kinds[at]![Number(index)])),
      );
      return commits.map((keyed) => applied.has(keyed));
    },
    ...(hasParts && {
      rest: (isApplied) =>
        commits.flatMap((keyed, index) =>
          isApplied[index] === true ? partsOf(parts, keyed, sql`true`) : [],
        ),
    }),
  };
}

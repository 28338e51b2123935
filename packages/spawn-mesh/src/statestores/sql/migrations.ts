/**
 * The tables, as numbered steps: forward only, one process at a time.
 *
 * First expand, then contract. A step that only adds is one that the version before can live with, so
 * old and new processes run side by side during a deploy: it leaves `oldest` as it was. A step that
 * takes away what only older versions need comes a release later and raises `oldest`. A process
 * refuses tables whose `oldest` is beyond its own version; tables that are merely newer it uses.
 */
import { SpawnError } from "../../engine/errors.ts";
import type { SqlDriver, SqlTransaction } from "./dialect.ts";
import { sql, text } from "./sql.ts";
import { textOf } from "./driver-values.ts";

export interface Migrations {
  /** Answers one row, with a number that is not 0 when there is a table of versions. */
  readonly hasVersions: string;
  /** Makes the table of versions if it is not there. */
  readonly makeVersions: readonly string[];
  /** Each step brings the tables from the version of its index to the next one. It may run twice. */
  readonly steps: readonly MigrationStep[];
}

interface MigrationStep {
  readonly statements: readonly string[];
  /** The oldest version of this program that can use the tables afterwards. */
  readonly oldest: number;
}

interface Versions {
  /** Of the tables. */
  readonly version: number;
  /** The oldest version of the program that can use them. */
  readonly oldest: number;
}

const VERSION = "schema_version";
const OLDEST = "schema_oldest";
const NO_TABLES: Versions = { version: 0, oldest: 0 };

/** @throws {SpawnError} `STATESTORE_UNAVAILABLE` when the tables are too new; nothing is changed then */
export async function migrate(driver: SqlDriver, migrations: Migrations): Promise<void> {
  const target = migrations.steps.length;
  const found = await readVersions({ run: (statement) => driver.query(statement) }, migrations);
  refuseNewer(found, target);
  if (found.version >= target) return;
  await driver.exclusively(async (connection) => {
    // Another process may have been here meanwhile.
    const now = await readVersions(connection, migrations);
    refuseNewer(now, target);
    if (now.version >= target) return;
    for (const statement of migrations.makeVersions) await connection.run(text(statement));
    for (const [index, { statements, oldest }] of migrations.steps.entries()) {
      if (index < now.version) continue;
      for (const statement of statements) await connection.run(text(statement));
      await writeVersion(connection, VERSION, index + 1);
      await writeVersion(connection, OLDEST, oldest);
    }
  });
}

async function readVersions(
  connection: SqlTransaction,
  { hasVersions }: Migrations,
): Promise<Versions> {
  const { rows } = await connection.run(text(hasVersions));
  if (Number(rows[0]?.[0] ?? 0) === 0) return NO_TABLES;
  const found = await connection.run(text("SELECT name, value FROM spawn_meta"));
  const values = new Map(found.rows.map(([name, value]) => [textOf(name), Number(textOf(value))]));
  return { version: values.get(VERSION) ?? 0, oldest: values.get(OLDEST) ?? 0 };
}

async function writeVersion(
  connection: SqlTransaction,
  name: string,
  version: number,
): Promise<void> {
  await connection.run(sql`DELETE FROM spawn_meta WHERE name = ${name}`);
  await connection.run(sql`INSERT INTO spawn_meta (name, value) VALUES (${name}, ${`${version}`})`);
}

function refuseNewer({ oldest, version }: Versions, target: number): void {
  if (oldest <= target) return;
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the tables have version ${version}, which needs a program that knows version ${oldest}; this one knows ${target}: use a newer version of spawn-mesh`,
  );
}

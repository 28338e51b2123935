/**
 * Which cluster a database serves, for each system: processes of two clusters that know nothing of one
 * another would take the same actors from each other without end.
 */
import { SpawnError } from "../../engine/errors.ts";
import { keyOfTexts } from "./actor-key.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { textOf } from "./driver-values.ts";
import { sql } from "./sql.ts";

/**
 * The first process of a cluster leaves its name; from then on a process of no cluster, or of another one,
 * is refused.
 *
 * @throws {SpawnError} `STATESTORE_UNAVAILABLE`
 */
export async function checkCluster(
  driver: SqlDriver,
  { orLeave }: Pick<Dialect, "orLeave">,
  { system, cluster }: { readonly system: string; readonly cluster: string | undefined },
): Promise<void> {
  const name = `cluster ${keyOfTexts([system]).toString("hex")}`;
  if (cluster !== undefined) {
    await driver.query(
      sql`INSERT INTO spawn_meta (name, value) VALUES (${name}, ${cluster})
        ${orLeave("spawn_meta", "name")}`,
    );
  }
  const { rows } = await driver.query(sql`SELECT value FROM spawn_meta WHERE name = ${name}`);
  const served = rows[0] === undefined ? undefined : textOf(rows[0][0]);
  if (served === cluster) return;
  const belongs = cluster === undefined ? "no cluster" : `the cluster "${cluster}"`;
  throw new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the database serves the system ${system} of the cluster "${served}", and this process belongs to ${belongs}: give each cluster a database of its own; if that one is gone for good, delete the row "${name}" of spawn_meta`,
  );
}

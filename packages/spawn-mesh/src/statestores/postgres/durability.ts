/** Settings of a PostgreSQL server with which it may lose what it has confirmed. */
import { SpawnError } from "../../engine/errors.ts";
import type { StoreWarning } from "../../engine/statestore.ts";
import type { SqlDriver } from "../sql/dialect.ts";
import { numberOf, textOf } from "../sql/driver-values.ts";
import { sql } from "../sql/sql.ts";

/** Each setting with the values that are safe. */
const expectations: readonly (readonly [
  setting: string,
  isSafe: (value: string) => boolean,
  risk: string,
])[] = [
  [
    "synchronous_commit",
    (value) => value !== "off",
    "a crash of the database loses the last acknowledged changes, those of up to a second",
  ],
  ["fsync", (value) => value === "on", "a power failure may destroy the database"],
  ["full_page_writes", (value) => value === "on", "a power failure may leave half-written pages"],
];

export async function checkDurability(driver: SqlDriver): Promise<readonly StoreWarning[]> {
  const { rows } = await driver.query(
    sql`SELECT current_setting('synchronous_commit'), current_setting('fsync'),
      current_setting('full_page_writes'), current_setting('synchronous_standby_names'),
      (SELECT count(*) FROM pg_stat_replication WHERE application_name <> 'pg_basebackup'),
      current_setting('transaction_read_only'), pg_is_in_recovery()::text`,
  );
  const [values = []] = rows;
  if (textOf(values[5]) === "on") throw readOnly(textOf(values[6]) === "true");
  const warnings = expectations.flatMap(([setting, isSafe, risk], index) => {
    const value = textOf(values[index]);
    return isSafe(value) ? [] : [{ setting, value, risk }];
  });
  const [commits, standbys] = [textOf(values[0]), textOf(values[3])];
  if (standbys === "" && numberOf(values[4]) > 0) return [...warnings, asynchronousStandbys];
  if (standbys !== "" && ["local", "remote_write"].includes(commits))
    return [...warnings, { ...forgetfulStandbys, value: commits }];
  return warnings;
}

const forgetfulStandbys: Omit<StoreWarning, "value"> = {
  setting: "synchronous_commit",
  risk: "commits do not wait until a standby has them on its disk: a failover may lose acknowledged changes",
};

const asynchronousStandbys: StoreWarning = {
  setting: "synchronous_standby_names",
  value: "",
  risk: "the standbys follow asynchronously: a failover to one of them may lose acknowledged changes",
};

function readOnly(isStandby: boolean): SpawnError {
  const what = isStandby ? "is a standby" : "only lets this user read";
  return new SpawnError(
    "STATESTORE_UNAVAILABLE",
    `the database ${what}: nothing can be stored there; give the address of the primary and a user that may write`,
  );
}

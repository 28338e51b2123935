/** Settings of a SQL Server database with which it may lose what it has confirmed, or be slow. */
import { SpawnError } from "../../engine/errors.ts";
import type { StoreWarning } from "../../engine/statestore.ts";
import type { SqlDriver } from "../sql/dialect.ts";
import { numberOf, textOf } from "../sql/driver-values.ts";
import { text } from "../sql/sql.ts";

/** Columns of `sys.databases`, with the values that are safe. */
const expectations: readonly (readonly [setting: string, safe: readonly string[], risk: string])[] =
  [
    [
      "delayed_durability_desc",
      ["DISABLED", "ALLOWED"],
      "a crash of the database loses the last acknowledged changes",
    ],
    ["page_verify_option_desc", ["CHECKSUM"], "damaged pages may be read without notice"],
    [
      "is_read_committed_snapshot_on",
      ["1"],
      "nothing is lost, but what is read waits for what is written at the same time",
    ],
  ];

export async function checkDurability(driver: SqlDriver): Promise<readonly StoreWarning[]> {
  const settings = expectations.map(([setting]) => `CAST(${setting} AS VARCHAR(60))`).join(", ");
  const { rows } = await driver.query(
    text(`SELECT CASE CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS VARCHAR(60))
        WHEN 'READ_ONLY' THEN 1 ELSE 0 END,
      ${settings} FROM sys.databases WHERE database_id = DB_ID()`),
  );
  const [isReadOnly, ...values] = rows[0] ?? [];
  if (numberOf(isReadOnly) === 1) throw readOnly();
  return expectations.flatMap(([setting, safe, risk], index) => {
    const value = textOf(values[index]);
    return safe.includes(value) ? [] : [{ setting, value, risk }];
  });
}

function readOnly(): SpawnError {
  return new SpawnError(
    "STATESTORE_UNAVAILABLE",
    "the database only lets itself be read: nothing can be stored there; give the address of the primary",
  );
}

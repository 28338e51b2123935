import { expect, test } from "vitest";
import { sql } from "../sql/sql.ts";
import { beginning, counted, resultsOf } from "./mssql-batch.ts";

function written(value: string | number | Uint8Array | null): string {
  return counted(sql`SELECT ${value}`).split(";\n")[0]!;
}

test.each([
  [null, "SELECT NULL"],
  [0, "SELECT 0"],
  [-1, "SELECT -1"],
  [2_147_483_647, "SELECT 2147483647"],
  [2_147_483_648, "SELECT CAST(2147483648 AS BIGINT)"],
  [1_764_000_000_000, "SELECT CAST(1764000000000 AS BIGINT)"],
  [Number.MAX_SAFE_INTEGER, "SELECT CAST(9007199254740991 AS BIGINT)"],
  ["", "SELECT 0x"],
  [
    "a'; DROP TABLE spawn_actor --",
    "SELECT 0x61273b2044524f50205441424c4520737061776e5f6163746f72202d2d",
  ],
  ["é", "SELECT 0xc3a9"],
  [Uint8Array.of(0, 255), "SELECT 0x00ff"],
])("%j is written so that nothing has to be escaped", (value, statement) => {
  expect(written(value)).toBe(statement);
});

test("a batch begins with what it relies on, and each statement is counted", () => {
  expect(beginning({ lockTimeoutMs: 5_000 })).toBe(
    "SET NOCOUNT ON;\nSET XACT_ABORT ON;\nSET LOCK_TIMEOUT 5000;\nDECLARE @spawn_changed INT",
  );
  expect(counted(sql`DELETE FROM t`)).toBe(
    "DELETE FROM t;\nSET @spawn_changed = @@ROWCOUNT;\nSELECT @spawn_changed AS spawn_changed",
  );
});

test("answers are told apart by what ends them, rows or none", () => {
  const changed = (count: number) => ({ columns: ["spawn_changed"], rows: [[count]] });
  const read = { columns: ["k", "rev"], rows: [[1, 2]] };
  const empty = { columns: ["k"], rows: [] };
  expect(resultsOf([changed(3), read, changed(1), empty, changed(0)])).toEqual([
    { rows: [], changed: 3 },
    { rows: [[1, 2]], changed: 1 },
    { rows: [], changed: 0 },
  ]);
});

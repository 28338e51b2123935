/** Many rows in one statement, of which those stay as they are that are there already. */
import type { Dialect, MissingRows } from "../sql/dialect.ts";
import { type Sql, sql, text } from "../sql/sql.ts";
import { listed } from "./listed-rows.ts";

const ROWS_MAX = 256;

export function addMissing(
  { among, orLeave }: Pick<Dialect, "among" | "orLeave">,
  { table, columns, rows, key, elsewhere }: MissingRows,
): readonly Sql[] {
  const names = Object.keys(columns);
  const [first] = key;
  const at = names.indexOf(first);
  const statements: Sql[] = [];
  for (let begin = 0; begin < rows.length; begin += ROWS_MAX) {
    const some = rows.slice(begin, begin + ROWS_MAX);
    statements.push(
      sql`INSERT INTO ${text(table)} (${text(names.join(", "))}) VALUES ${listed(some)} ${orLeave(table, first)}`,
    );
    if (elsewhere === undefined) continue;
    const values = some.map((row) => row[at]!);
    statements.push(
      sql`DELETE t FROM ${text(table)} t JOIN ${text(elsewhere)} e ON e.${text(first)} = t.${text(first)}
        WHERE ${among(`t.${first}`, columns[first]!, values)}`,
    );
  }
  return statements;
}

/** Many rows in one statement, of which those stay as they are that are there already. */
import type { Dialect, MissingRows } from "../sql/dialect.ts";
import { type Sql, sql, type SqlValue, text } from "../sql/sql.ts";
import { listed } from "./listed-rows.ts";

const ROWS_MAX = 256;
/** What the values of a statement have, in UTF-16 units or bytes. As literals they are up to six times as long, and a packet may be no more than 1 MiB. */
const UNITS_MAX = 128 * 1024;

type Row = MissingRows["rows"][number];

export function addMissing(
  { among, orLeave }: Pick<Dialect, "among" | "orLeave">,
  { table, columns, rows, key, elsewhere }: MissingRows,
): readonly Sql[] {
  const names = Object.keys(columns);
  const [first] = key;
  const at = names.indexOf(first);
  const statements: Sql[] = [];
  for (const some of parted(rows)) {
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

/** As many rows at a time as a statement may have, and one that is larger alone. */
function* parted(rows: readonly Row[]): Generator<readonly Row[]> {
  let part: Row[] = [];
  let units = 0;
  for (const row of rows) {
    const more = row.reduce((sum: number, value) => sum + unitsOf(value), 0);
    if (part.length > 0 && (part.length === ROWS_MAX || units + more > UNITS_MAX)) {
      yield part;
      [part, units] = [[], 0];
    }
    part.push(row);
    units += more;
  }
  if (part.length > 0) yield part;
}

function unitsOf(value: SqlValue): number {
  return value === null || typeof value === "number" ? 0 : value.length;
}

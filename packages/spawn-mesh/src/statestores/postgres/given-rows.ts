/** Tables of given values as arrays side by side: the text is the same however many rows there are. */
import type { ColumnType, GivenRows } from "../sql/dialect.ts";
import { joined, type Sql, sql, type SqlValue, text } from "../sql/sql.ts";
import { arrayTypeName, binaryArray } from "./binary-array.ts";

export function given({ name, columns, rows }: GivenRows): Sql {
  const arrays = Object.values(columns).map((type, at) =>
    givenArray(
      type,
      rows.map((row) => row[at]!),
    ),
  );
  const names = Object.keys(columns).join(", ");
  return sql`unnest(${joined(arrays, ", ")}) AS ${text(`${name}(${names})`)}`;
}

/** The condition that `column` is one of `values`. */
export function among(column: string, type: ColumnType, values: readonly SqlValue[]): Sql {
  return sql`${text(column)} = ANY(${givenArray(type, values)})`;
}

function givenArray(type: ColumnType, values: GivenRows["rows"][number]): Sql {
  return sql`${binaryArray(type, values)}::${text(arrayTypeName(type))}`;
}

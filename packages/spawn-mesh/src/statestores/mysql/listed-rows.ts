import { type Sql, type SqlValue } from "../sql/sql.ts";

/** Rows of values, as VALUES has them; each ends with `ending`. */
export function listed(rows: readonly (readonly SqlValue[])[], ending = ""): Sql {
  const texts: string[] = [];
  let before = "(";
  for (const row of rows) {
    for (let at = 0; at < row.length; at++) {
      texts.push(before);
      before = ", ";
    }
    before = `${ending}), (`;
  }
  return { texts: [...texts, `${ending})`], values: rows.flat() };
}

import { isSealed } from "../engine/sealed-rows.ts";
import { type FoundRow, valueOfRow } from "../engine/system-rows.ts";

/** A part ends when it has so many rows, or values of so many bytes or characters. */
const PART_ROWS = 512;
const PART_UNITS_MAX = 1024 * 1024;

/** Rows in parts of bounded size; none is empty. */
export function* partsOf(rows: Iterable<FoundRow>): Generator<readonly FoundRow[], void> {
  let part: FoundRow[] = [];
  let units = 0;
  for (const row of rows) {
    part.push(row);
    const value = valueOfRow(row);
    units += (isSealed(value) ? value.bytes : value)?.length ?? 0;
    if (part.length < PART_ROWS && units < PART_UNITS_MAX) continue;
    yield part;
    part = [];
    units = 0;
  }
  if (part.length > 0) yield part;
}

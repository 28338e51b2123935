/**
 * Rows as they stand in the file, for those who look at many. A whole number beyond 2^53, which only a damaged row
 * has, comes as a bigint: Node refuses it otherwise, and with it all the rows behind it.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { prepareArrays } from "./connection.ts";

export class FoundRows<Columns extends readonly unknown[]> {
  readonly #statement: StatementSync;

  constructor(database: DatabaseSync, sql: string) {
    this.#statement = prepareArrays(database, sql);
    this.#statement.setReadBigInts(true);
  }

  get(...inputs: readonly SQLInputValue[]): Columns | undefined {
    const row = this.#statement.get(...inputs);
    return row === undefined ? undefined : withNumbers(row);
  }

  all(...inputs: readonly SQLInputValue[]): readonly Columns[] {
    return this.#statement.all(...inputs).map((row) => withNumbers<Columns>(row));
  }

  *iterate(...inputs: readonly SQLInputValue[]): Iterable<Columns> {
    for (const row of this.#statement.iterate(...inputs)) yield withNumbers(row);
  }
}

function withNumbers<Columns extends readonly unknown[]>(row: unknown): Columns {
  const columns = row as unknown[];
  for (let at = 0; at < columns.length; at++) {
    const value = columns[at];
    if (typeof value !== "bigint") continue;
    const number = Number(value);
    if (Number.isSafeInteger(number)) columns[at] = number;
  }
  return columns as unknown as Columns;
}

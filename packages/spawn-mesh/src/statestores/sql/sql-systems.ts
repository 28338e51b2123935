/** All that a SQL database keeps of a system, to carry it to another statestore. */
import { SpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import { removableOf } from "../../engine/system-rows.ts";
import type { FoundRow, ImportMark, SystemRow, SystemRows } from "../../engine/system-rows.ts";
import { keyOfActor, keyOfSystem } from "./actor-key.ts";
import type { Dialect, SqlDriver } from "./dialect.ts";
import { textOf } from "./driver-values.ts";
import { idBytes } from "./message-rows.ts";
import { type Sql, sql, text } from "./sql.ts";
import { insertSystemRows } from "./system-inserts.ts";
import { readSystem } from "./system-walk.ts";

export class SqlSystemRows implements SystemRows {
  readonly #dialect: Dialect;
  readonly #driver: () => SqlDriver;
  readonly #connectionsMax: number;
  /** How many are being read: each has a connection to itself. */
  #reading = 0;

  /** @param driver throws when the statestore is not open */
  constructor(dialect: Dialect, driver: () => SqlDriver, connectionsMax: number) {
    this.#dialect = dialect;
    this.#driver = driver;
    this.#connectionsMax = connectionsMax;
  }

  async *read(system: string): AsyncIterable<readonly FoundRow[]> {
    const view = await this.#driver().view();
    this.#reading++;
    try {
      yield* readSystem(this.#dialect, view, system);
    } finally {
      this.#reading--;
      await view.close();
    }
  }

  async add(rows: readonly SystemRow[]): Promise<void> {
    const driver = this.#driver();
    const statements = insertSystemRows(this.#dialect, rows);
    if (statements.length === 0) return;
    try {
      await driver.transaction(statements);
    } catch (error) {
      const isTooMuch = error instanceof StoreFailure && error.kind === "rows" && rows.length > 1;
      if (!isTooMuch) throw error;
      const half = rows.length >> 1;
      await this.add(rows.slice(0, half));
      await this.add(rows.slice(half));
    }
  }

  async remove(rows: readonly FoundRow[]): Promise<void> {
    const { actors, messages, parked } = removableOf(rows);
    const keys = actors.map(keyOfActor);
    const statements = [
      ...this.#delete("spawn_history", "k", keys),
      ...this.#delete("spawn_index", "k", keys),
      ...this.#delete("spawn_inbox", "k", keys),
      ...this.#delete("spawn_actor", "k", keys),
      ...this.#delete("spawn_outbox", "id", messages.map(idBytes)),
      ...this.#delete("spawn_parked", "id", parked.map(idBytes)),
    ];
    if (statements.length > 0) await this.#writer().transaction(statements);
  }

  async readMark(system: string): Promise<ImportMark | undefined> {
    const { rows } = await this.#driver().query(
      sql`SELECT value FROM spawn_meta WHERE name = ${markName(system)}`,
    );
    if (rows[0] === undefined) return undefined;
    const [phase, id] = textOf(rows[0][0]).split(" ") as [ImportMark["phase"], string];
    return { id, phase };
  }

  async writeMark(system: string, { id, phase }: ImportMark): Promise<void> {
    const name = markName(system);
    await this.#writer().transaction([
      sql`DELETE FROM spawn_meta WHERE name = ${name}`,
      sql`INSERT INTO spawn_meta (name, value) VALUES (${name}, ${`${phase} ${id}`})`,
    ]);
  }

  /** @throws {SpawnError} `INVALID_ARGUMENT` when who reads has the only connection: nothing could ever be written */
  #writer(): SqlDriver {
    if (this.#reading < this.#connectionsMax) return this.#driver();
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `connectionsMax: expected ${this.#connectionsMax + 1} or more to change a system while it is read, got ${this.#connectionsMax}`,
    );
  }

  #delete(table: string, column: string, values: readonly Uint8Array[]): readonly Sql[] {
    if (values.length === 0) return [];
    const among = this.#dialect.among(column, "bytes", values);
    return [sql`DELETE FROM ${text(table)} WHERE ${among}`];
  }
}

/** A system may have a longer name than this column holds. */
function markName(system: string): string {
  return `import ${keyOfSystem(system).toString("hex")}`;
}

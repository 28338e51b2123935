/** The entries of declared indexes in the file: with the names of their actors, so that finding needs no more. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ActorId } from "../../engine/actor-id.ts";
import type { IndexEntry } from "../../engine/values/index-values.ts";

export class IndexTable {
  readonly #add: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(
      `INSERT INTO spawn_index (definition, system, field, value, name, actor_id)
       VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#forget = database.prepare("DELETE FROM spawn_index WHERE actor_id = ?");
  }

  replace(handle: number, actor: ActorId, index: readonly IndexEntry[]): void {
    this.forget(handle);
    const { definition, system, name } = actor;
    for (const { field, value } of index) {
      this.#add.run(definition, system, field, Buffer.from(value, "latin1"), name, handle);
    }
  }

  forget(handle: number): void {
    this.#forget.run(handle);
  }
}

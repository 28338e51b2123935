/** All that the reference statestore keeps of a system, to carry it to another one. */
import assert from "node:assert";
import type { ActorId } from "../../engine/actor-id.ts";
import type { StoredReply } from "../../engine/statestore.ts";
import {
  type ActorRow,
  type FoundRow,
  type ImportMark,
  removableOf,
  systemOf,
  type SystemRow,
  type SystemRows,
} from "../../engine/system-rows.ts";
import type { MemoryMessages } from "./messages.ts";
import type { MemoryRow } from "./row.ts";
import type { RowsByName } from "./sealed.ts";
import { partsOf } from "../row-parts.ts";

/** What the statestore does with rows. */
interface RowChanges {
  /** Throws when the statestore is not open. */
  readonly checkOpen: () => void;
  readonly add: (actor: ActorId, stored: ActorRow) => void;
  readonly remember: (row: MemoryRow, reply: StoredReply) => void;
  readonly remove: (actor: ActorId, row: MemoryRow) => void;
}

export class MemorySystemRows implements SystemRows {
  readonly #rows: RowsByName;
  readonly #messages: MemoryMessages;
  readonly #changes: RowChanges;
  readonly #marks = new Map<string, ImportMark>();

  constructor(rows: RowsByName, messages: MemoryMessages, changes: RowChanges) {
    this.#rows = rows;
    this.#messages = messages;
    this.#changes = changes;
  }

  async *read(system: string): AsyncIterable<readonly FoundRow[]> {
    this.#changes.checkOpen();
    // All at once: that is the moment. What rows hold is never changed, and so is not copied.
    yield* partsOf([...this.#actorsOf(system), ...this.#messagesOf(system)]);
  }

  async add(rows: readonly SystemRow[]): Promise<void> {
    this.#changes.checkOpen();
    for (const row of rows) this.#addOne(row);
  }

  async remove(rows: readonly FoundRow[]): Promise<void> {
    this.#changes.checkOpen();
    const { actors, messages, parked } = removableOf(rows);
    for (const id of messages) this.#messages.take(id);
    for (const id of parked) this.#messages.discard(id);
    for (const actor of actors) {
      const found = this.#find(actor);
      if (found !== undefined) this.#changes.remove(actor, found);
    }
  }

  async readMark(system: string): Promise<ImportMark | undefined> {
    this.#changes.checkOpen();
    return this.#marks.get(system);
  }

  async writeMark(system: string, mark: ImportMark): Promise<void> {
    this.#changes.checkOpen();
    this.#marks.set(system, mark);
  }

  *#actorsOf(system: string): Iterable<SystemRow> {
    for (const [key, named] of this.#rows) {
      const [found = "", definition = ""] = key.split("\0");
      if (found !== system) continue;
      for (const [name, row] of named) yield* rowsOf({ system, definition, name }, row);
    }
  }

  *#messagesOf(system: string): Iterable<SystemRow> {
    for (const stored of this.#messages.waiting) {
      if (systemOf(stored) === system) yield { kind: "message", stored };
    }
    for (const stored of this.#messages.parked) {
      if (systemOf(stored) === system) yield { kind: "parked", stored };
    }
  }

  #addOne(row: SystemRow): void {
    if (row.kind === "message") return this.#messages.addWaiting(row.stored);
    if (row.kind === "parked") return this.#messages.addParked(row.stored);
    const found = this.#find(row.actor);
    if (row.kind === "state") {
      if (found === undefined) this.#changes.add(row.actor, row.stored);
      return;
    }
    assert(found !== undefined, "the row of an actor comes before its revisions and replies");
    if (row.kind === "reply") {
      if (found.replies?.has(row.stored.key) !== true) this.#changes.remember(found, row.stored);
      return;
    }
    const { history = [], index = [] } = found;
    if (row.kind === "index") {
      const isThere = index.some(({ field }) => field === row.stored.field);
      if (!isThere) found.index = [...index, row.stored];
      return;
    }
    if (history.some(({ revision }) => revision === row.stored.revision)) return;
    found.history = [...history, row.stored];
  }

  #find({ system, definition, name }: ActorId): MemoryRow | undefined {
    return this.#rows.get(`${system}\0${definition}`)?.get(name);
  }
}

function* rowsOf(actor: ActorId, row: MemoryRow): Iterable<SystemRow> {
  const { handle: _, history = [], index = [], replies, ...stored } = row;
  yield { kind: "state", actor, stored };
  for (const revision of history) yield { kind: "revision", actor, stored: revision };
  for (const entry of index) yield { kind: "index", actor, stored: entry };
  for (const reply of replies?.values() ?? []) yield { kind: "reply", actor, stored: reply };
}

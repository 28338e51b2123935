/** What may be encrypted in the reference statestore, to change its keys. */
import type {
  KeyProof,
  Rewrite,
  ScannedRows,
  SealableRow,
  SealedRows,
} from "../../engine/sealed-rows.ts";
import { isSealedWith } from "../../engine/sealed-rows.ts";
import type { ActorId } from "../../engine/actor-id.ts";
import type { MemoryMessages } from "./messages.ts";
import type { MemoryRow } from "./row.ts";

/** Rows by system and definition, with a NUL between, and there by name. None goes while a system runs. */
export type RowsByName = ReadonlyMap<string, ReadonlyMap<string, MemoryRow>>;

/** How far a scan has come: actors by their number, then messages by position, then parked ones by id. */
type Place = readonly ["actors" | "messages", number] | readonly ["parked", string];

export class MemorySealedRows implements SealedRows {
  readonly #rows: RowsByName;
  readonly #messages: MemoryMessages;
  readonly #checkOpen: () => void;
  readonly #proofs = new Map<string, KeyProof>();

  /** @param checkOpen throws when the statestore is not open */
  constructor(rows: RowsByName, messages: MemoryMessages, checkOpen: () => void) {
    this.#rows = rows;
    this.#messages = messages;
    this.#checkOpen = checkOpen;
  }

  get keyIds(): readonly string[] {
    return [...this.#proofs.keys()];
  }

  async listKeys(): Promise<readonly KeyProof[]> {
    this.#checkOpen();
    return [...this.#proofs.values()];
  }

  async addKey(proof: KeyProof): Promise<void> {
    this.#checkOpen();
    if (!this.#proofs.has(proof.keyId)) this.#proofs.set(proof.keyId, proof);
  }

  async removeKey(keyId: string): Promise<void> {
    this.#checkOpen();
    this.#proofs.delete(keyId);
  }

  async scan(page: Parameters<SealedRows["scan"]>[0]): Promise<ScannedRows> {
    this.#checkOpen();
    const { keyId, after, limit } = page;
    const rows: SealableRow[] = [];
    let seen = 0;
    let place: Place = ["actors", 0];
    for (const [next, found] of this.#from(after)) {
      // An actor is looked at whole, with all that is kept of it.
      if (seen >= limit) return { rows, damaged: [], seen, after: JSON.stringify(place) };
      place = next;
      seen += Math.max(1, found.length);
      rows.push(...found.filter((row) => !isSealedWith(keyId, row)));
    }
    return { rows, damaged: [], seen, after: undefined };
  }

  async rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    this.#checkOpen();
    return rewrites.filter((rewrite) => this.#rewriteOne(rewrite)).length;
  }

  *#from(after: string | undefined): Iterable<readonly [Place, readonly SealableRow[]]> {
    const place: Place = after === undefined ? ["actors", 0] : (JSON.parse(after) as Place);
    if (place[0] === "actors") {
      let number = 0;
      for (const [actor, row] of this.#actors()) {
        if (++number > place[1]) yield [["actors", number], rowsOf(actor, row)];
      }
    }
    if (place[0] !== "parked") {
      const position = place[0] === "messages" ? place[1] : 0;
      for (const [next, stored] of this.#messages.storedAfter(position)) {
        yield [["messages", next], [{ kind: "message", stored }]];
      }
    }
    for (const stored of this.#messages.parkedAfter(place[0] === "parked" ? place[1] : "")) {
      yield [["parked", stored.id], [{ kind: "parked", stored }]];
    }
  }

  *#actors(): Iterable<readonly [ActorId, MemoryRow]> {
    for (const [key, named] of this.#rows) {
      const [system = "", definition = ""] = key.split("\0");
      for (const [name, row] of named) yield [{ system, definition, name }, row];
    }
  }

  #find({ system, definition, name }: ActorId): MemoryRow | undefined {
    return this.#rows.get(`${system}\0${definition}`)?.get(name);
  }

  #rewriteOne({ row, by }: Rewrite): boolean {
    if (row.kind === "message" && by.kind === row.kind) {
      return this.#messages.rewrite(row.stored, by.stored);
    }
    if (row.kind === "parked" && by.kind === row.kind) {
      return this.#messages.rewriteParked(row.stored, by.stored);
    }
    if (row.kind === "reply" && by.kind === row.kind) {
      const replies = this.#find(row.actor)?.replies;
      const isSame = replies?.get(row.stored.key) === row.stored;
      if (isSame) replies?.set(row.stored.key, by.stored);
      return isSame;
    }
    if (row.kind === "revision" && by.kind === row.kind) {
      const history = this.#find(row.actor)?.history ?? [];
      const index = history.indexOf(row.stored);
      if (index !== -1) history[index] = by.stored;
      return index !== -1;
    }
    if (row.kind === "state" && by.kind === row.kind) {
      const found = this.#find(row.actor);
      if (found?.etag !== row.stored.etag) return false;
      found.state = by.stored.state;
      return true;
    }
    return false;
  }
}

function rowsOf(actor: ActorId, row: MemoryRow): readonly SealableRow[] {
  const rows: SealableRow[] = [];
  if (row.state !== undefined) {
    const { etag, state, codec, stateVersion, tags, revision, at } = row;
    const stored = { etag, state, codec, stateVersion, tags, revision, at };
    rows.push({ kind: "state", actor, stored });
  }
  for (const stored of row.history ?? []) rows.push({ kind: "revision", actor, stored });
  for (const stored of row.replies?.values() ?? []) rows.push({ kind: "reply", actor, stored });
  return rows;
}

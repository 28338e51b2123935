/** Finding actors in the reference statestore: it looks at all of them. */
import type { ActorId } from "../engine/actor-id.ts";
import { leadOf } from "../engine/actor-queries.ts";
import type {
  ActorPage,
  ActorQueries,
  FoundActor,
  FoundActors,
  IndexCondition,
  IndexRewrite,
} from "../engine/actor-queries.ts";
import type { IndexKey } from "../engine/index-values.ts";
import { isSealed } from "../engine/sealed-rows.ts";
import type { MemoryRow } from "./memory-row.ts";
import { cursorOf, placeOf } from "./page-cursor.ts";

/** Rows by system and definition, with a NUL between, and there by name. None ever goes. */
type RowsByName = ReadonlyMap<string, ReadonlyMap<string, MemoryRow>>;

interface Candidate {
  readonly definition: string;
  readonly name: string;
  readonly row: MemoryRow;
  /** What it is sorted by. */
  readonly place: readonly string[];
}

export class MemoryQueries implements ActorQueries {
  readonly #rows: RowsByName;
  readonly #checkOpen: () => void;

  /** @param checkOpen throws when the statestore is not open */
  constructor(rows: RowsByName, checkOpen: () => void) {
    this.#rows = rows;
    this.#checkOpen = checkOpen;
  }

  async list(page: ActorPage): Promise<FoundActors> {
    this.#checkOpen();
    const after = page.after === undefined ? [] : placeOf(page.after, 3);
    const found = [...this.#candidates(page)]
      .filter((candidate) => isAsked(candidate.row, page) && isBehind(candidate.place, after))
      .toSorted((a, b) => (isBehind(a.place, b.place) ? 1 : -1))
      .slice(0, page.limit);
    const last = found.length === page.limit ? found.at(-1) : undefined;
    return {
      actors: found.map((one) => foundActor(one, page)),
      after: last && cursorOf(last.place),
    };
  }

  async reindex(rewrites: readonly IndexRewrite[]): Promise<number> {
    this.#checkOpen();
    return rewrites.filter(({ actor, etag, index }) => {
      const row = this.#find(actor);
      if (row === undefined || row.etag !== etag || row.isDeleted) return false;
      row.index = index;
      return true;
    }).length;
  }

  *#candidates({ system, definition, where }: ActorPage): Iterable<Candidate> {
    const lead = leadOf(where);
    for (const [key, named] of this.#rows) {
      const [itsSystem, itsDefinition = ""] = key.split("\0");
      if (itsSystem !== system || (definition ?? itsDefinition) !== itsDefinition) continue;
      for (const [name, row] of named) {
        const value = lead === undefined ? "" : (valueOf(row, lead.field) ?? "");
        const place = [value, itsDefinition, name];
        yield { definition: itsDefinition, name, row, place };
      }
    }
  }

  #find({ system, definition, name }: ActorId): MemoryRow | undefined {
    return this.#rows.get(`${system}\0${definition}`)?.get(name);
  }
}

function isAsked(row: MemoryRow, page: ActorPage): boolean {
  const { where, tags, isDeleted, changedAfter = -Infinity, changedBefore = Infinity } = page;
  return (
    row.isDeleted === isDeleted &&
    row.at > changedAfter &&
    row.at < changedBefore &&
    where.every((condition) => holds(condition, valueOf(row, condition.field))) &&
    Object.entries(tags ?? {}).every(([name, value]) => row.tags?.[name] === value)
  );
}

function valueOf({ index }: MemoryRow, field: string): IndexKey | undefined {
  return index?.find((entry) => entry.field === field)?.value;
}

function holds(condition: IndexCondition, value: IndexKey | undefined): boolean {
  if (value === undefined) return false;
  if ("equals" in condition) return value === condition.equals;
  return value >= condition.from && value < condition.below;
}

/** Whether a place comes after another; nothing is before everything. */
function isBehind(place: readonly string[], other: readonly string[]): boolean {
  for (const [at, part] of place.entries()) {
    const against = other[at];
    if (against === undefined || part > against) return true;
    if (part < against) return false;
  }
  return false;
}

function foundActor(
  { definition, name, row }: Candidate,
  { withSizes = false }: ActorPage,
): FoundActor {
  const { isDeleted, revision, at, tags, state } = row;
  const found = { definition, name, isDeleted, revision, changedAt: at, tags };
  return withSizes && state !== undefined ? { ...found, stateBytes: bytesOf(state) } : found;
}

function bytesOf(state: NonNullable<MemoryRow["state"]>): number {
  if (typeof state === "string") return Buffer.byteLength(state);
  return isSealed(state) ? state.bytes.length : state.length;
}

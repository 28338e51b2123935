/** Finds actors: what their statestore keeps in clear, and which of them are in memory here. */
import type { ActorPage, FoundActor, IndexCondition } from "../actor-queries.ts";
import { askedToRead } from "../asked-store.ts";
import { SpawnError } from "../errors.ts";
import { boundsOfType, wantedKey } from "../values/index-values.ts";
import type { IndexedValue } from "../values/index-values.ts";
import { checkWholeNumber } from "../limits.ts";
import { checkOptionNames } from "../option-names.ts";
import type { Statestore, Tags } from "../statestore.ts";

/** From one value up to, and without, another. */
export interface IndexRange {
  readonly from?: string | number;
  readonly below?: string | number;
}

/** Which actors are meant. All that is given must hold. */
export interface ActorFilter {
  /** Values or ranges of fields of the declared index. */
  readonly where?: Readonly<Record<string, IndexedValue | IndexRange>>;
  /** Tags that they have, with these values. */
  readonly tags?: Tags;
  /** Only those that were committed later, in milliseconds since 1970. */
  readonly changedAfter?: number;
  /** Only those that were not committed since, in milliseconds since 1970. */
  readonly changedBefore?: number;
}

/** A page of actors. */
export interface ActorQuery extends ActorFilter {
  /** The name of their definition. Default: all definitions, also those that this program does not have. */
  readonly definition?: string | undefined;
  /** `stored`: those that have a state. `deleted`: those that had one. Default `stored`. */
  readonly status?: "stored" | "deleted" | undefined;
  /** How many, 100 unless told otherwise, at most 1 000. */
  readonly limit?: number | undefined;
  /** Where the page before ended. */
  readonly after?: string | undefined;
}

/** What is known of an actor without its state. */
export interface ListedActor {
  readonly definition: string;
  readonly name: string;
  /** Whether it has a state, or had one until it was deleted. */
  readonly status: "stored" | "deleted";
  /** Whether it is in the memory of this process. */
  readonly isActive: boolean;
  /** How often it was committed. */
  readonly revision: number;
  /** When it was committed last, in milliseconds since 1970. */
  readonly changedAt: number;
  readonly tags: Tags;
}

/** A page may have fewer actors than its limit, even none, as long as it says where to go on. */
export interface ActorList {
  readonly actors: readonly ListedActor[];
  /** Where to go on; `undefined` when there are no more. */
  readonly after: string | undefined;
}

export interface ActorFinderParts {
  readonly system: string;
  readonly store: Statestore;
  /** Whether the actor is in memory. */
  readonly isActive: (definition: string, name: string) => boolean;
}

const LIST_LIMIT = 100;
const LIST_LIMIT_MAX = 1_000;
/** Rows that the statestore looks at in one go, when few of them may be asked for. */
const LOOKS_MAX = 2_000;
/** And how often for one page, before it is given as it is. */
const PARTS_MAX = 50;

export class ActorFinder {
  readonly #parts: ActorFinderParts;

  constructor(parts: ActorFinderParts) {
    this.#parts = parts;
  }

  /** A page of the actors of the system. */
  async list(query: ActorQuery = {}): Promise<ActorList> {
    const { system, store } = this.#parts;
    const page = pageOf(system, query);
    const actors: ListedActor[] = [];
    let { after } = page;
    for (let part = 0; part < PARTS_MAX; part++) {
      const limit = page.limit - actors.length;
      const answer = store.queries.list({ ...page, after, limit });
      const found = await askedToRead(answer, "the actors cannot be listed");
      for (const actor of found.actors) actors.push(this.#listed(actor));
      after = found.after;
      if (after === undefined || actors.length === page.limit) break;
    }
    return { actors, after };
  }

  /** All of them, page by page as they are wanted, each once. */
  async *all(query: ActorQuery): AsyncGenerator<ListedActor, void, undefined> {
    const isOnce = onceEach(query);
    let after: string | undefined;
    do {
      const page = await this.list(after === undefined ? query : { ...query, after });
      for (const actor of page.actors) if (isOnce(actor)) yield actor;
      after = page.after;
    } while (after !== undefined);
  }

  #listed({ isDeleted, tags = NO_TAGS, ...known }: FoundActor): ListedActor {
    const isActive = this.#parts.isActive(known.definition, known.name);
    return { ...known, status: isDeleted ? "deleted" : "stored", isActive, tags };
  }
}

/**
 * Whether an actor has not been there before. Only in the order of values it can be: when its value goes up
 * meanwhile, for example because of what is done with it.
 */
function onceEach({ where = {} }: ActorQuery): (actor: ListedActor) => boolean {
  const values: unknown[] = Object.values(Object(where));
  const isInOrder = values.length > 0 && values.every((value) => typeof value === "object");
  if (!isInOrder) return () => true;
  const names = new Set<string>();
  return ({ name }) => names.size < names.add(name).size;
}

const NO_TAGS: Tags = Object.freeze({});

const QUERY_OPTIONS: readonly string[] = [
  "definition",
  "where",
  "tags",
  "status",
  "changedAfter",
  "changedBefore",
  "limit",
  "after",
];

/** For who asks elsewhere. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
export function checkActorQuery(query: ActorQuery): void {
  void pageOf("", query);
}

/** @throws {SpawnError} `INVALID_ARGUMENT`: a misspelt option would find others */
function pageOf(system: string, query: ActorQuery): ActorPage {
  checkOptionNames("actors", query, QUERY_OPTIONS);
  const problem = queryProblem(query);
  if (problem !== undefined)
    throw new SpawnError("INVALID_ARGUMENT", `actors: expected that ${problem}`);
  const { limit = LIST_LIMIT, definition, tags, changedAfter, changedBefore, after } = query;
  checkWholeNumber("limit", limit, { min: 1, max: LIST_LIMIT_MAX });
  return {
    system,
    definition,
    where: conditionsOf(query.where ?? {}),
    tags,
    isDeleted: query.status === "deleted",
    changedAfter,
    changedBefore,
    after,
    limit,
    looksMax: LOOKS_MAX,
  };
}

function queryProblem(query: ActorQuery): string | undefined {
  const { definition, status = "stored", tags, where, after, ...times } = query;
  if (definition !== undefined && typeof definition !== "string") return "definition is a name";
  if (status !== "stored" && status !== "deleted") return 'status is "stored" or "deleted"';
  if (tags !== undefined && !Object.values(Object(tags)).every((tag) => typeof tag === "string"))
    return "tags are an object whose values are strings";
  if (where !== undefined && !(where instanceof Object)) return "where is an object of fields";
  if (where !== undefined && definition === undefined) return "where needs a definition";
  if (after !== undefined && typeof after !== "string") return "after is what the page before said";
  for (const option of ["changedAfter", "changedBefore"] as const) {
    if (times[option] !== undefined && !Number.isSafeInteger(times[option]))
      return `${option} is a time in milliseconds`;
  }
  return undefined;
}

/** @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` for what no index can hold */
function conditionsOf(where: NonNullable<ActorFilter["where"]>): readonly IndexCondition[] {
  return Object.entries(where).map(([field, value]): IndexCondition => {
    if (typeof value !== "object" || value === null) {
      return { field, equals: wantedKey(field, value) };
    }
    return { field, ...rangeOf(field, value) };
  });
}

function rangeOf(field: string, range: IndexRange): { from: string; below: string } {
  const { from, below, ...others } = range;
  const bounds = [from, below].filter((bound) => bound !== undefined);
  const types = new Set(bounds.map((bound) => typeof bound));
  const isOneType = types.size === 1 && (types.has("number") || types.has("string"));
  if (!isOneType || Object.keys(others).length > 0) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `where.${field}: expected a value, or { from, below } of two strings or two numbers, one of which may be left out`,
    );
  }
  const [first, last] = boundsOfType(bounds[0]!);
  return {
    from: from === undefined ? first : wantedKey(field, from),
    below: below === undefined ? last : wantedKey(field, below),
  };
}

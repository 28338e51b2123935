/** Questions with every field given a value that a case need not care about. */
import assert from "node:assert";
import type { ActorPage, FoundActor, IndexCondition } from "../../engine/actor-queries.ts";
import {
  boundsOfType,
  type IndexedValue,
  indexEntries,
  type IndexEntry,
  indexKey,
} from "../../engine/values/index-values.ts";
import type { Statestore } from "../../engine/statestore.ts";

const PAGES_MAX = 1000;

export function question(fields: Partial<ActorPage> = {}): ActorPage {
  return {
    system: "shop",
    definition: "counter",
    where: [],
    tags: undefined,
    isDeleted: false,
    changedAfter: undefined,
    changedBefore: undefined,
    after: undefined,
    limit: 100,
    looksMax: 1000,
    ...fields,
  };
}

/** All that is found, page by page. */
export async function findAll(
  store: Statestore,
  fields: Partial<ActorPage> = {},
): Promise<readonly FoundActor[]> {
  const found: FoundActor[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const asked = question({ ...fields, after });
    const answer = await store.queries.list(asked);
    assert(answer.actors.length <= asked.limit, "a page has more than its limit");
    found.push(...answer.actors);
    if (answer.after === undefined) return found;
    after = answer.after;
  }
  assert.fail("the pages have no end");
}

/** The names of all that is found. */
export async function findNames(
  store: Statestore,
  fields: Partial<ActorPage> = {},
): Promise<readonly string[]> {
  return (await findAll(store, fields)).map(({ name }) => name);
}

export function index(
  values: Readonly<Record<string, IndexedValue | null>>,
): readonly IndexEntry[] {
  return indexEntries(values);
}

export function is(field: string, value: IndexedValue): IndexCondition {
  return { field, equals: indexKey(field, value) };
}

/** From one value up to, and without, another; of the type of the one that is given. */
export function within(
  field: string,
  range: { readonly from?: IndexedValue; readonly below?: IndexedValue },
): IndexCondition {
  const [first, last] = boundsOfType(range.from ?? range.below!);
  return {
    field,
    from: range.from === undefined ? first : indexKey(field, range.from),
    below: range.below === undefined ? last : indexKey(field, range.below),
  };
}

/**
 * Commits as the engine makes them, with every field given a value that a case need not care about.
 */
import assert from "node:assert";
import type { ActorId } from "../../engine/actor-id.ts";
import type {
  Commit,
  Etag,
  Statestore,
  StoredActor,
  StoredReply,
  StoreHandle,
} from "../../engine/statestore.ts";
import type { FoundRow, SystemRow } from "../../engine/system-rows.ts";

export const FIRST_OWNER = "session-1";
export const SECOND_OWNER = "session-2";

/** What the first commit of {@link firstCommit} holds. */
export const FIRST_STATE = '{"total":1}';
const FIRST_AT = 1_700_000_000_000;
const COMMIT_INTERVAL_MS = 1000;

let etags = 0;

/** A new etag. It holds bytes that a store may stumble over: 0, quotes, and what is not UTF-8. */
export function newEtag(): Etag {
  etags++;
  const counter = String.fromCharCode(etags & 0xff, (etags >> 8) & 0xff, (etags >> 16) & 0xff);
  return `\u0000'"\u007f\u0080\u00ff\u00c3\u0028\\%\n\r\t${counter}`;
}

export function actorNamed(name: string, definition = "counter", system = "shop"): ActorId {
  return { system, definition, name };
}

/** Creates the actor. */
export function firstCommit(actor: ActorId, fields: Partial<Commit> = {}): Commit {
  return {
    actor,
    handle: undefined,
    previous: undefined,
    etag: newEtag(),
    isDelete: false,
    revisionsKept: 0,
    replies: [],
    consumes: [],
    cancels: [],
    sends: [],
    state: FIRST_STATE,
    codec: "json",
    stateVersion: 1,
    tags: undefined,
    revision: 1,
    at: FIRST_AT,
    ...fields,
  };
}

/** The commit that may follow `row`. */
export function nextCommit(actor: ActorId, row: StoredActor, fields: Partial<Commit> = {}): Commit {
  const revision = row.revision + 1;
  return {
    ...firstCommit(actor),
    handle: row.handle,
    previous: row.etag,
    state: `{"total":${revision}}`,
    revision,
    at: row.at + COMMIT_INTERVAL_MS,
    ...fields,
  };
}

/** The commit that deletes the actor of `row`. */
export function deletion(actor: ActorId, row: StoredActor, fields: Partial<Commit> = {}): Commit {
  return nextCommit(actor, row, { isDelete: true, state: undefined, tags: undefined, ...fields });
}

export function reply(key: string, fields: Partial<StoredReply> = {}): StoredReply {
  return {
    key,
    fingerprint: `fingerprint of ${key}`,
    kind: "reply",
    reply: `{"of":${JSON.stringify(key)}}`,
    expiresAt: 5000,
    ...fields,
  };
}

/** Commits one actor and demands that it is applied. */
export async function apply(store: Statestore, commit: Commit): Promise<StoreHandle> {
  const [handle] = await store.commit([commit]);
  assert(handle !== undefined, `the commit of ${commit.actor.name} was refused`);
  return handle;
}

/** Commits one actor and demands that it is refused. */
export async function refuse(store: Statestore, commit: Commit): Promise<void> {
  assert.deepStrictEqual(await store.commit([commit]), [undefined], "the commit was not refused");
}

export async function findRow(store: Statestore, actor: ActorId): Promise<StoredActor | undefined> {
  const [answer] = await store.load([{ actor, row: true, keys: [], messages: [] }]);
  assert(answer !== undefined, "load gave no answer to a query");
  return answer.row;
}

/** The row, which must be there. */
/** Rows that were read, none of which is damaged. */
export function wholeRows(found: readonly FoundRow[]): readonly SystemRow[] {
  return found.map((row) => {
    assert(row.kind !== "damaged", "a row is damaged");
    return row;
  });
}

export async function loadRow(store: Statestore, actor: ActorId): Promise<StoredActor> {
  const row = await findRow(store, actor);
  assert(row !== undefined, `there is no row of ${actor.name}`);
  return row;
}

/** The stored replies among `keys`, in the order of their keys. */
export async function loadReplies(
  store: Statestore,
  actor: ActorId,
  keys: readonly string[],
): Promise<readonly StoredReply[]> {
  const [answer] = await store.load([{ actor, row: false, keys, messages: [] }]);
  assert(answer !== undefined, "load gave no answer to a query");
  assert.strictEqual(answer.row, undefined, "a row came that was not wanted");
  return answer.replies.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** Creates an actor and loads its row. */
export async function createActor(
  store: Statestore,
  actor: ActorId,
  fields: Partial<Commit> = {},
): Promise<StoredActor> {
  await apply(store, firstCommit(actor, fields));
  return loadRow(store, actor);
}

/** Commits what follows `row` and loads the row again. */
export async function advance(
  store: Statestore,
  actor: ActorId,
  options: { readonly row: StoredActor; readonly fields?: Partial<Commit> },
): Promise<StoredActor> {
  await apply(store, nextCommit(actor, options.row, options.fields));
  return loadRow(store, actor);
}

/** Opens for the first owner, runs, closes. */
export async function withStore(
  open: (owner: string) => Promise<Statestore>,
  run: (store: Statestore) => Promise<void>,
): Promise<void> {
  const store = await open(FIRST_OWNER);
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

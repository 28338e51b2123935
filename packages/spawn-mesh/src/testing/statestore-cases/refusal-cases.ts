/** A commit that is refused in a group of others: these are applied whole, and nothing of it is. */
import assert from "node:assert";
import type { ActorId } from "../../engine/actor-id.ts";
import type { Commit, Statestore, StoredActor } from "../../engine/statestore.ts";
import {
  actorNamed,
  createActor,
  deletion,
  firstCommit,
  loadReplies,
  loadRow,
  newEtag,
  nextCommit,
  reply,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { idsOf, loadMessages, message, ref } from "./message-fixtures.ts";
import { findNames, index, is } from "./query-fixtures.ts";

const REFUSED = actorNamed("refused");
/** What every refused commit would bring. */
const PARTS = {
  replies: [reply("new")],
  sends: [message("from the refused one")],
  index: index({ n: 2 }),
} satisfies Partial<Commit>;

/** A commit of {@link REFUSED}, which has this row and the reply `known`, for each reason to refuse one. */
const refusals: Readonly<Record<string, (row: StoredActor) => Commit>> = {
  "is on another etag": (row) => next(row, { previous: newEtag() }),
  "is on another etag and keeps a revision": (row) =>
    next(row, { previous: newEtag(), revisionsKept: 3 }),
  "deletes on another etag": (row) => deletes(row, { previous: newEtag() }),
  "creates what is there": () => firstCommit(REFUSED, PARTS),
  "has a known key": (row) => next(row, { replies: [reply("new"), reply("known")] }),
  "deletes with a known key": (row) => deletes(row, { replies: [reply("known")] }),
  "consumes what is gone": (row) => next(row, { consumes: [ref("gone")] }),
  "deletes and consumes what is gone": (row) => deletes(row, { consumes: [ref("gone")] }),
};

function next(row: StoredActor, fields: Partial<Commit>): Commit {
  return nextCommit(REFUSED, row, { ...PARTS, revisionsKept: 1, ...fields });
}

function deletes(row: StoredActor, fields: Partial<Commit>): Commit {
  return deletion(REFUSED, row, { ...PARTS, index: undefined, ...fields });
}

async function assertRefusedAlone(
  store: Statestore,
  refusal: (row: StoredActor) => Commit,
): Promise<void> {
  const [changed, deleted, made] = ["changed", "deleted", "made"].map((name) => actorNamed(name));
  const changedRow = await createActor(store, changed!);
  const deletedRow = await createActor(store, deleted!);
  const known = { replies: [reply("known")], index: index({ n: 1 }) };
  const row = await createActor(store, REFUSED, known);
  const others = [
    nextCommit(changed!, changedRow, { revisionsKept: 1, replies: [reply("new")] }),
    deletion(deleted!, deletedRow, { replies: [reply("new")] }),
    firstCommit(made!, { sends: [message("from another one")], index: index({ n: 3 }) }),
  ];
  const handles = await store.commit([others[0]!, refusal(row), others[1]!, others[2]!]);
  const isApplied = handles.map((handle) => handle !== undefined);
  assert.deepStrictEqual(isApplied, [true, false, true, true]);

  assert.deepStrictEqual(await loadRow(store, REFUSED), row);
  assert.deepStrictEqual(await keysOf(store, REFUSED), ["known"]);
  assert.deepStrictEqual(await store.listRevisions(REFUSED), []);
  assert.deepStrictEqual(await findNames(store, { where: [is("n", 1)] }), [REFUSED.name]);
  for (const { actor, etag, isDelete } of others) {
    const stored = await loadRow(store, actor);
    assert.deepStrictEqual([stored.etag, stored.isDeleted], [etag, isDelete]);
  }
  assert.deepStrictEqual(await keysOf(store, changed!), ["new"]);
  assert.deepStrictEqual(await keysOf(store, deleted!), ["new"]);
  assert.deepStrictEqual((await store.listRevisions(changed!)).length, 1);
  assert.deepStrictEqual(await findNames(store, { where: [is("n", 3)] }), [made!.name]);
  const sent = await loadMessages(store, ["from another one", "from the refused one"]);
  assert.deepStrictEqual(idsOf(sent), ["from another one"]);
}

async function keysOf(store: Statestore, actor: ActorId): Promise<readonly string[]> {
  return (await loadReplies(store, actor, ["known", "new"])).map(({ key }) => key);
}

export const refusalCases: readonly ConformanceCase[] = Object.entries(refusals).map(
  ([reason, refusal]) => ({
    name: `applies a group without the commit that ${reason}, and nothing of that one`,
    run: (open) => withStore(open, (store) => assertRefusedAlone(store, refusal)),
  }),
);

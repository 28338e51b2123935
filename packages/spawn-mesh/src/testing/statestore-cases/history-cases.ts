/** The history: superseded states, kept when a commit asks for it, the oldest going first. */
import assert from "node:assert";
import type { Statestore } from "../../engine/statestore.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  deletion,
  FIRST_STATE,
  loadRow,
  newEtag,
  nextCommit,
  refuse,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";

const ann = actorNamed("ann");
const bob = actorNamed("bob");

async function keptRevisions(store: Statestore, actor = ann): Promise<readonly number[]> {
  return (await store.listRevisions(actor)).map((kept) => kept.revision);
}

export const historyCases: readonly ConformanceCase[] = [
  {
    name: "keeps the superseded state with all that belongs to it, and says when it was kept",
    run: (open) =>
      withStore(open, async (store) => {
        const first = await createActor(store, ann, { tags: { a: "ü" }, stateVersion: 4 });
        const second = await advance(store, ann, { row: first, fields: { revisionsKept: 3 } });
        assert.strictEqual(second.keptAt, second.at);
        assert.deepStrictEqual(await store.listRevisions(ann), [{ revision: 1, at: first.at }]);
        assert.deepStrictEqual(await store.readRevision(ann, 1), {
          etag: first.etag,
          state: FIRST_STATE,
          codec: "json",
          stateVersion: 4,
          tags: { a: "ü" },
          revision: 1,
          at: first.at,
        });
        assert.strictEqual(await store.readRevision(ann, 2), undefined);
        assert.strictEqual(await store.readRevision(bob, 1), undefined);
        assert.deepStrictEqual(await store.listRevisions(bob), []);
      }),
  },
  {
    name: "keeps nothing at the first commit",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { revisionsKept: 3 });
        assert.strictEqual(row.keptAt, undefined);
        assert.deepStrictEqual(await keptRevisions(store), []);
      }),
  },
  {
    name: "leaves the history and its time alone when no revision is to be kept",
    run: (open) =>
      withStore(open, async (store) => {
        const first = await createActor(store, ann);
        const second = await advance(store, ann, { row: first, fields: { revisionsKept: 1 } });
        const third = await advance(store, ann, { row: second });
        assert.strictEqual(third.keptAt, second.at);
        assert.deepStrictEqual(await keptRevisions(store), [1]);
      }),
  },
  {
    name: "trims the history to the number that a commit gives, the newest first in the list",
    run: (open) =>
      withStore(open, async (store) => {
        let row = await createActor(store, ann);
        const other = await createActor(store, bob);
        await advance(store, bob, { row: other, fields: { revisionsKept: 1 } });
        for (let count = 0; count < 6; count++) {
          row = await advance(store, ann, { row, fields: { revisionsKept: 4 } });
        }
        assert.deepStrictEqual(await keptRevisions(store), [6, 5, 4, 3]);
        row = await advance(store, ann, { row });
        await apply(store, nextCommit(ann, row, { revisionsKept: 2 }));
        assert.deepStrictEqual(await keptRevisions(store), [8, 6]);
        assert.strictEqual(await store.readRevision(ann, 5), undefined);
        assert.strictEqual((await store.readRevision(ann, 6))?.state, '{"total":6}');
        assert.deepStrictEqual(await keptRevisions(store, bob), [1]);
      }),
  },
  {
    name: "lets revisions go that were superseded by a time, and keeps what was the state then",
    run: (open) =>
      withStore(open, async (store) => {
        let row = await createActor(store, ann, { at: 10 });
        const commitAt = async (at: number, since?: number, revisionsKept = 10): Promise<void> => {
          const revisionsSince = since === undefined ? {} : { revisionsSince: since };
          const fields = { at, revisionsKept, ...revisionsSince };
          row = await advance(store, ann, { row, fields });
        };
        for (const at of [20, 30, 40]) await commitAt(at, 5);
        assert.deepStrictEqual(await keptRevisions(store), [3, 2, 1]);
        await commitAt(50, 25);
        assert.deepStrictEqual(await keptRevisions(store), [4, 3, 2]);
        await commitAt(60, 30, 2);
        assert.deepStrictEqual(await keptRevisions(store), [5, 4]);
        await commitAt(70, 45, 0);
        assert.deepStrictEqual(await keptRevisions(store), [5, 4]);
        // What is put in is old itself: the actor was as it is for a long time.
        await commitAt(900, 800);
        assert.deepStrictEqual(await keptRevisions(store), [7]);
        await commitAt(910);
        assert.deepStrictEqual(await keptRevisions(store), [8, 7]);
      }),
  },
  {
    name: "keeps nothing for a commit that is refused",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann);
        await refuse(store, nextCommit(ann, row, { revisionsKept: 3, previous: newEtag() }));
        assert.deepStrictEqual(await keptRevisions(store), []);
        assert.deepStrictEqual(await loadRow(store, ann), row);
      }),
  },
  {
    name: "forgets the history of a deleted actor, and keeps no revision of a tombstone",
    run: (open) =>
      withStore(open, async (store) => {
        const first = await createActor(store, ann);
        const second = await advance(store, ann, { row: first, fields: { revisionsKept: 3 } });
        await apply(store, deletion(ann, second, { revisionsKept: 3 }));
        const tombstone = await loadRow(store, ann);
        assert.strictEqual(tombstone.keptAt, undefined);
        assert.deepStrictEqual(await keptRevisions(store), []);
        const back = await advance(store, ann, { row: tombstone, fields: { revisionsKept: 3 } });
        assert.strictEqual(back.keptAt, undefined);
        assert.deepStrictEqual(await keptRevisions(store), []);
        await apply(store, nextCommit(ann, back, { revisionsKept: 3 }));
        assert.deepStrictEqual(await keptRevisions(store), [back.revision]);
      }),
  },
];

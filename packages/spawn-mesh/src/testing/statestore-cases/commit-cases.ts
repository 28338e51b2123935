/** One conditional write an actor: what applies, what is refused, what a row says afterwards. */
import assert from "node:assert";
import type { Commit, StoredActor } from "../../engine/statestore.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  deletion,
  findRow,
  FIRST_OWNER,
  firstCommit,
  loadRow,
  newEtag,
  nextCommit,
  refuse,
  SECOND_OWNER,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";

const ann = actorNamed("ann");
const bob = actorNamed("bob");
const MANY = 12;
/** More digits than some databases put into one of the values that they are given at once. */
const LARGE = 80_000;

function assertHolds(row: StoredActor, commit: Commit): void {
  assert.strictEqual(row.etag, commit.etag);
  assert.deepStrictEqual(row.state, commit.state);
  assert.strictEqual(row.codec, commit.codec);
  assert.strictEqual(row.stateVersion, commit.stateVersion);
  assert.deepStrictEqual(row.tags, commit.tags);
  assert.strictEqual(row.revision, commit.revision);
  assert.strictEqual(row.at, commit.at);
  assert.strictEqual(row.isDeleted, commit.isDelete);
}

export const commitCases: readonly ConformanceCase[] = [
  {
    name: "answers no row for an actor that was never committed",
    run: (open) =>
      withStore(open, async (store) => assert.strictEqual(await findRow(store, ann), undefined)),
  },
  {
    name: "creates a row with epoch 1, no base etag, nothing kept, and returns it whole",
    run: (open) =>
      withStore(open, async (store) => {
        const commit = firstCommit(ann, {
          stateVersion: 3,
          tags: { region: "eu", "__proto__ ": "ü" },
          revision: 7,
        });
        const handle = await apply(store, commit);
        const row = await loadRow(store, ann);
        assertHolds(row, commit);
        assert.strictEqual(row.handle, handle);
        assert.strictEqual(row.epoch, 1);
        assert.strictEqual(row.baseEtag, undefined);
        assert.strictEqual(row.keptAt, undefined);
      }),
  },
  {
    name: "refuses to create an actor that exists, and leaves it as it was",
    run: (open) =>
      withStore(open, async (store) => {
        const before = await createActor(store, ann);
        await refuse(store, firstCommit(ann, { state: '"other"' }));
        assert.deepStrictEqual(await loadRow(store, ann), before);
      }),
  },
  {
    name: "replaces everything that a row holds when the etag is the row's",
    run: (open) =>
      withStore(open, async (store) => {
        const before = await createActor(store, ann, { tags: { a: "1" } });
        const commit = nextCommit(ann, before, { stateVersion: 2, tags: undefined });
        assert.strictEqual(await apply(store, commit), before.handle);
        const row = await loadRow(store, ann);
        assertHolds(row, commit);
        assert.strictEqual(row.epoch, 1);
        assert.strictEqual(row.baseEtag, undefined);
      }),
  },
  {
    name: "refuses a commit whose previous etag is not the row's, and leaves the row as it was",
    run: (open) =>
      withStore(open, async (store) => {
        const first = await createActor(store, ann);
        const second = await advance(store, ann, { row: first });
        await refuse(store, nextCommit(ann, first));
        await refuse(store, nextCommit(ann, second, { previous: newEtag() }));
        assert.deepStrictEqual(await loadRow(store, ann), second);
      }),
  },
  {
    name: "refuses a commit that was applied already, and the row shows its etag",
    run: (open) =>
      withStore(open, async (store) => {
        const create = firstCommit(ann);
        await apply(store, create);
        await refuse(store, create);
        const row = await loadRow(store, ann);
        assert.strictEqual(row.etag, create.etag);
        const update = nextCommit(ann, row);
        await apply(store, update);
        await refuse(store, update);
        assertHolds(await loadRow(store, ann), update);
      }),
  },
  {
    name: "decides each commit of a batch by itself and answers in order",
    run: (open) =>
      withStore(open, async (store) => {
        const annRow = await createActor(store, ann);
        const bobRow = await createActor(store, bob);
        const carl = actorNamed("carl");
        const answers = await store.commit([
          nextCommit(bob, bobRow),
          nextCommit(ann, annRow, { previous: newEtag() }),
          firstCommit(carl),
        ]);
        assert.deepStrictEqual(answers, [
          bobRow.handle,
          undefined,
          (await loadRow(store, carl)).handle,
        ]);
        assert.strictEqual((await loadRow(store, bob)).revision, 2);
        assert.deepStrictEqual(await loadRow(store, ann), annRow);
      }),
  },
  {
    name: "changes many in one batch as it changes one, also those of another owner and with large states",
    run: async (open) => {
      const actors = Array.from({ length: MANY }, (_, index) => actorNamed(`many-${index}`));
      const first = await open(FIRST_OWNER);
      await first.commit(actors.map((actor) => firstCommit(actor)));
      const before = await Promise.all(actors.map((actor) => loadRow(first, actor)));
      await first.close();
      const store = await open(SECOND_OWNER);
      const commits = actors.map((actor, index) => {
        const row = before[index]!;
        if (index % 4 === 3) return deletion(actor, row);
        const state = index % 4 === 2 ? `"${`${index}`.repeat(LARGE)}"` : `${index}`;
        return nextCommit(actor, row, { state, revisionsKept: index % 4 });
      });
      assert(!(await store.commit(commits)).includes(undefined));
      for (const [index, commit] of commits.entries()) {
        const row = await loadRow(store, commit.actor);
        assertHolds(row, commit);
        assert.strictEqual(row.owner, SECOND_OWNER);
        assert.strictEqual(row.epoch, 2);
        assert.strictEqual(row.baseEtag, before[index]!.etag);
        const isKept = commit.revisionsKept > 0;
        assert.strictEqual(row.keptAt, isKept ? commit.at : undefined);
        const kept = await store.listRevisions(commit.actor);
        assert.deepStrictEqual(
          kept.map(({ revision }) => revision),
          isKept ? [before[index]!.revision] : [],
        );
      }
      await store.close();
    },
  },
  {
    name: "answers an empty batch and an empty load with nothing",
    run: (open) =>
      withStore(open, async (store) => {
        assert.deepStrictEqual(await store.commit([]), []);
        assert.deepStrictEqual(await store.load([]), []);
      }),
  },
  {
    name: "lets one of two commits win that overlap on the same etag",
    run: (open) =>
      withStore(open, async (store) => {
        const created = await Promise.all([
          store.commit([firstCommit(ann)]),
          store.commit([firstCommit(ann)]),
        ]);
        assert.strictEqual(created.flat().filter((handle) => handle !== undefined).length, 1);
        const row = await loadRow(store, ann);
        const updates = [nextCommit(ann, row), nextCommit(ann, row)];
        const answers = await Promise.all(updates.map((update) => store.commit([update])));
        const winners = updates.filter((_, index) => answers[index]?.[0] !== undefined);
        assert.strictEqual(winners.length, 1);
        assert.strictEqual((await loadRow(store, ann)).etag, winners[0]?.etag);
      }),
  },
  {
    name: "keeps every commit of many batches that overlap",
    run: (open) =>
      withStore(open, async (store) => {
        const actors = Array.from({ length: 300 }, (_, index) => actorNamed(`many-${index}`));
        const batches = Array.from({ length: 30 }, (_, index) =>
          actors.slice(index * 10, index * 10 + 10),
        );
        await Promise.all(
          batches.map((batch) => store.commit(batch.map((actor) => firstCommit(actor)))),
        );
        const answers = await store.load(
          actors.map((actor) => ({ actor, row: true, keys: [], messages: [] })),
        );
        assert.strictEqual(
          answers.filter((answer) => answer.row !== undefined).length,
          actors.length,
        );
        assert.strictEqual(
          new Set(answers.map((answer) => answer.row?.handle)).size,
          actors.length,
        );
      }),
  },
  {
    name: "answers each query of a load in order, the same actor twice as well",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann);
        const answers = await store.load([
          { actor: bob, row: true, keys: [], messages: [] },
          { actor: ann, row: true, keys: [], messages: [] },
          { actor: ann, row: false, keys: [], messages: [] },
          { actor: ann, row: true, keys: ["absent"], messages: [] },
        ]);
        assert.deepStrictEqual(
          answers.map((answer) => answer.row),
          [undefined, row, undefined, row],
        );
        assert.deepStrictEqual(
          answers.map((answer) => answer.replies.length),
          [0, 0, 0, 0],
        );
      }),
  },
  {
    name: "keeps a tombstone of a deleted actor: no state, and its etag still fences",
    run: (open) =>
      withStore(open, async (store) => {
        const before = await createActor(store, ann, { tags: { a: "1" } });
        const commit = deletion(ann, before);
        await apply(store, commit);
        const tombstone = await loadRow(store, ann);
        assertHolds(tombstone, commit);
        assert.strictEqual(tombstone.state, undefined);
        await refuse(store, firstCommit(ann));
        await refuse(store, nextCommit(ann, before));
        assert.deepStrictEqual(await loadRow(store, ann), tombstone);
      }),
  },
  {
    name: "brings a deleted actor back when the tombstone's etag is given",
    run: (open) =>
      withStore(open, async (store) => {
        const created = await createActor(store, ann);
        await apply(store, deletion(ann, created));
        const commit = nextCommit(ann, await loadRow(store, ann));
        assert.strictEqual(await apply(store, commit), created.handle);
        assertHolds(await loadRow(store, ann), commit);
      }),
  },
  {
    name: "can create a tombstone at once",
    run: (open) =>
      withStore(open, async (store) => {
        await apply(store, firstCommit(ann, { isDelete: true, state: undefined }));
        const row = await loadRow(store, ann);
        assert.strictEqual(row.isDeleted, true);
        assert.strictEqual(row.state, undefined);
      }),
  },
];

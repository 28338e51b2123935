/** Sessions: what outlives one, and what a row says when the next one takes it over. */
import assert from "node:assert";
import { type Statestore, StoreFailure } from "../../engine/statestore.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  deletion,
  FIRST_OWNER,
  firstCommit,
  loadReplies,
  loadRow,
  nextCommit,
  refuse,
  reply,
  SECOND_OWNER,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";

const ann = actorNamed("ann");

export const sessionCases: readonly ConformanceCase[] = [
  {
    name: "keeps rows, history and replies from one session to the next",
    async run(open) {
      let store = await open(FIRST_OWNER);
      const first = await createActor(store, ann, { tags: { a: "1" }, replies: [reply("k")] });
      const second = await advance(store, ann, { row: first, fields: { revisionsKept: 2 } });
      await store.close();
      store = await open(SECOND_OWNER);
      assert.deepStrictEqual(await loadRow(store, ann), second);
      assert.deepStrictEqual(await store.listRevisions(ann), [{ revision: 1, at: first.at }]);
      assert.deepStrictEqual(await loadReplies(store, ann, ["k"]), [reply("k")]);
      await store.close();
    },
  },
  {
    name: "counts the epoch and notes the base etag when another owner commits, and only then",
    async run(open) {
      let store = await open(FIRST_OWNER);
      const first = await createActor(store, ann);
      const second = await advance(store, ann, { row: first });
      assert.deepStrictEqual(
        [second.owner, second.epoch, second.baseEtag],
        [FIRST_OWNER, 1, undefined],
      );
      await store.close();

      store = await open(SECOND_OWNER);
      assert.strictEqual((await loadRow(store, ann)).owner, FIRST_OWNER);
      const third = await advance(store, ann, { row: second });
      assert.deepStrictEqual(
        [third.owner, third.epoch, third.baseEtag],
        [SECOND_OWNER, 2, second.etag],
      );
      const fourth = await advance(store, ann, { row: third });
      assert.deepStrictEqual(
        [fourth.owner, fourth.epoch, fourth.baseEtag],
        [SECOND_OWNER, 2, second.etag],
      );
      await store.close();

      store = await open(FIRST_OWNER);
      const fifth = await advance(store, ann, { row: fourth });
      assert.deepStrictEqual(
        [fifth.owner, fifth.epoch, fifth.baseEtag],
        [FIRST_OWNER, 3, fourth.etag],
      );
      await store.close();
    },
  },
  {
    name: "takes over with history, replies and refusals as in any commit",
    async run(open) {
      let store = await open(FIRST_OWNER);
      const first = await createActor(store, ann, { replies: [reply("k")] });
      await store.close();

      store = await open(SECOND_OWNER);
      await refuse(store, nextCommit(ann, first, { replies: [reply("k")] }));
      assert.deepStrictEqual(await loadRow(store, ann), first);
      const second = await advance(store, ann, {
        row: first,
        fields: { revisionsKept: 2, replies: [reply("l")] },
      });
      assert.strictEqual(second.keptAt, second.at);
      assert.deepStrictEqual(await store.listRevisions(ann), [{ revision: 1, at: first.at }]);
      assert.deepStrictEqual(await loadReplies(store, ann, ["k", "l"]), [reply("k"), reply("l")]);
      await store.close();

      store = await open(FIRST_OWNER);
      await refuse(store, nextCommit(ann, first));
      await apply(store, deletion(ann, second));
      const tombstone = await loadRow(store, ann);
      assert.deepStrictEqual(
        [tombstone.isDeleted, tombstone.epoch, tombstone.baseEtag],
        [true, 3, second.etag],
      );
      assert.deepStrictEqual(await store.listRevisions(ann), []);
      await store.close();
    },
  },
  {
    name: "tells a displaced owner that its last commit was applied",
    async run(open) {
      let store = await open(FIRST_OWNER);
      const lost = firstCommit(ann);
      await apply(store, lost);
      await store.close();
      store = await open(SECOND_OWNER);
      await apply(store, nextCommit(ann, await loadRow(store, ann)));
      await store.close();
      store = await open(FIRST_OWNER);
      await refuse(store, lost);
      assert.strictEqual((await loadRow(store, ann)).baseEtag, lost.etag);
      await store.close();
    },
  },
  {
    name: "fails every call after close with `fatal`, and applies nothing",
    async run(open) {
      const closed = await open(FIRST_OWNER);
      const row = await createActor(closed, ann);
      await closed.close();
      const calls: readonly ((store: Statestore) => Promise<unknown>)[] = [
        (store) => store.load([{ actor: ann, row: true, keys: [], messages: [] }]),
        (store) => store.commit([nextCommit(ann, row)]),
        (store) => store.listRevisions(ann),
        (store) => store.readRevision(ann, 1),
        (store) => store.prune(1, 1),
      ];
      for (const call of calls) {
        await assert.rejects(
          () => call(closed),
          (error) => error instanceof StoreFailure && error.kind === "fatal",
        );
      }
      await withStore(open, async (store) =>
        assert.deepStrictEqual(await loadRow(store, ann), row),
      );
    },
  },
  {
    name: "may be closed twice",
    async run(open) {
      const store = await open(FIRST_OWNER);
      await store.close();
      await store.close();
    },
  },
];

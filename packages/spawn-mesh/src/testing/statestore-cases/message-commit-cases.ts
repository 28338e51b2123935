/** Messages in commits: what one sends and consumes happens with its row, or not at all. */
import assert from "node:assert";
import type { Commit } from "../../engine/statestore.ts";
import {
  advance,
  apply,
  createActor,
  deletion,
  findRow,
  firstCommit,
  loadReplies,
  loadRow,
  nextCommit,
  refuse,
  reply,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  ann,
  assertSameIds,
  bob,
  cat,
  claimIds,
  idsOf,
  list,
  listParked,
  loadMessages,
  message,
  messages,
  ordered,
  ref,
  refs,
  sendParked,
  timer,
  waiting,
} from "./message-fixtures.ts";

const MANY = 5000;

export const messageCommitCases: readonly ConformanceCase[] = [
  {
    name: "stores what a commit sends, whole and in order, by a create and by a later commit",
    run: (open) =>
      withStore(open, async (store) => {
        const first = [ordered("d"), ordered("a")];
        const second = [ordered("c"), ordered("b")];
        const row = await createActor(store, ann, { sends: first });
        await apply(store, nextCommit(ann, row, { sends: second }));
        const sent = [...first, ...second];
        assert.deepStrictEqual(
          await list(store),
          sent.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((one) => waiting(one)),
        );
        assert.deepStrictEqual(await claimIds(store), idsOf(sent));
      }),
  },
  {
    name: "sends nothing for an id that is stored or parked already, and applies the commit",
    run: (open) =>
      withStore(open, async (store) => {
        const stored = message("stored");
        await store.messages.send([stored]);
        await sendParked(store, message("parked"));
        const other = { payload: '"other"', dueAt: 1 };
        const sends = [ordered("stored", other), ordered("new"), ordered("parked", other)];
        await apply(store, firstCommit(ann, { sends: [...sends, ordered("new", other)] }));
        assert.deepStrictEqual(await list(store), [waiting(ordered("new")), waiting(stored)]);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["parked"]);
      }),
  },
  {
    name: "removes what a commit consumes, by a create and by a later commit, and nothing else",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "b", "c", "d", "e"]));
        const row = await createActor(store, bob, { consumes: refs(["d", "a"]) });
        assert.deepStrictEqual(idsOf(await list(store)), ["b", "c", "e"]);
        await apply(store, nextCommit(bob, row, { consumes: refs(["c"]) }));
        assert.deepStrictEqual(idsOf(await list(store)), ["b", "e"]);
        assert.deepStrictEqual(await listParked(store), []);
      }),
  },
  {
    name: "refuses a create with all its parts when a message that it consumes is not stored",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["here", "cancelled"]));
        await store.messages.remove(["cancelled"]);
        await sendParked(store, message("parked"));
        for (const gone of ["never", "cancelled", "parked"]) {
          const parts = { sends: [ordered("sent")], replies: [reply("k")] };
          await refuse(store, firstCommit(bob, { ...parts, consumes: refs(["here", gone]) }));
          assert.strictEqual(await findRow(store, bob), undefined);
          assert.deepStrictEqual(await loadReplies(store, bob, ["k"]), []);
          assert.deepStrictEqual(idsOf(await list(store)), ["here"]);
        }
        await apply(store, firstCommit(bob, { consumes: refs(["here"]), replies: [reply("k")] }));
      }),
  },
  {
    name: "refuses a later commit with all its parts when a message that it consumes is not stored, and lets the others go on",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["here", "for cat"]));
        const row = await createActor(store, bob);
        const commit = nextCommit(bob, row, {
          consumes: refs(["never", "here"]),
          sends: [ordered("sent")],
          replies: [reply("k")],
          revisionsKept: 3,
        });
        const answers = await store.commit([
          commit,
          firstCommit(cat, { consumes: refs(["for cat"]) }),
        ]);
        assert.deepStrictEqual(answers, [undefined, (await loadRow(store, cat)).handle]);
        assert.deepStrictEqual(await loadRow(store, bob), row);
        assert.deepStrictEqual(await loadReplies(store, bob, ["k"]), []);
        assert.deepStrictEqual(await store.listRevisions(bob), []);
        assert.deepStrictEqual(await list(store), [waiting(message("here"))]);
      }),
  },
  {
    name: "refuses a commit that names a message twice among what it consumes",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "b"]));
        await refuse(store, firstCommit(bob, { consumes: refs(["a", "b", "a"]) }));
        assert.strictEqual(await findRow(store, bob), undefined);
        const row = await createActor(store, bob);
        await refuse(store, nextCommit(bob, row, { consumes: refs(["b", "b"]) }));
        assert.deepStrictEqual(await loadRow(store, bob), row);
        assert.deepStrictEqual(idsOf(await list(store)), ["a", "b"]);
      }),
  },
  {
    name: "leaves messages alone when the etag, a key or the row refuses the commit",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([message("a"), timer("timer")]);
        const first = await createActor(store, ann, { replies: [reply("k")] });
        const row = await advance(store, ann, { row: first });
        const parts: Partial<Commit> = { consumes: refs(["a"]), sends: [ordered("sent")] };
        await refuse(store, firstCommit(ann, parts));
        await refuse(store, nextCommit(ann, first, parts));
        await refuse(store, deletion(ann, first, parts));
        await refuse(store, nextCommit(ann, row, { ...parts, replies: [reply("k")] }));
        assert.deepStrictEqual(idsOf(await list(store)), ["a", "timer"]);
      }),
  },
  {
    name: "repeats nothing when an applied commit is repeated",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([message("a")]);
        const commit = firstCommit(bob, { consumes: refs(["a"]), sends: [ordered("b")] });
        await apply(store, commit);
        await store.messages.remove(["b"]);
        await refuse(store, commit);
        assert.deepStrictEqual(await list(store), []);
      }),
  },
  {
    name: "cancels whatever is stored under an id, after what it consumes and before what it sends",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "b", "c"]));
        await sendParked(store, message("parked"));
        const again = message("b", { source: ann, payload: '"again"' });
        const cancels = ["a", "b", "c", "gone", "parked", "a"];
        const consumes = refs(["c"]);
        await apply(store, firstCommit(ann, { consumes, cancels, sends: [again] }));
        assert.deepStrictEqual(await list(store), [waiting(again)]);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["parked"]);
      }),
  },
  {
    name: "cancels nothing when the commit is refused",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a"]));
        await refuse(store, firstCommit(ann, { consumes: refs(["gone"]), cancels: ["a"] }));
        assert.deepStrictEqual(idsOf(await list(store)), ["a"]);
        await apply(store, firstCommit(ann, { cancels: ["a"] }));
        assert.deepStrictEqual(await list(store), []);
      }),
  },
  {
    name: "consumes before it sends: a message is replaced by one of the same id, behind those of its lane",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a"), ordered("b")]);
        await claimIds(store, { limit: 1 });
        const again = ordered("a", { payload: '"again"', dueAt: 1500, sentAt: 1200 });
        await apply(store, firstCommit(ann, { consumes: refs(["a"]), sends: [again] }));
        assert.deepStrictEqual(await loadMessages(store, ["a"]), [waiting(again)]);
        assert.deepStrictEqual(await claimIds(store, { wall: 2000 }), ["b", "a"]);
        const third = ordered("a", { payload: '"third"' });
        const row = await loadRow(store, ann);
        await apply(store, nextCommit(ann, row, { consumes: [again], sends: [third] }));
        assert.deepStrictEqual(await loadMessages(store, ["a"]), [waiting(third)]);
      }),
  },
  {
    name: "finds the next of a lane after a commit that consumes several of it, in whatever order",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(["a", "b", "c", "d", "e", "f"].map((id) => ordered(id)));
        await apply(store, firstCommit(bob, { consumes: refs(["a", "c", "b", "e"]) }));
        assert.deepStrictEqual(await claimIds(store, { laneMax: 1 }), ["d"]);
      }),
  },
  {
    name: "removes the timers of an actor that is deleted, and only those",
    run: (open) =>
      withStore(open, async (store) => {
        const kept = [
          ordered("ordered"),
          message("from ann", { source: ann }),
          message("to ann", { target: ann }),
          timer("of bob", { source: bob, target: bob }),
          timer("of Ann", { source: { ...ann, name: "Ann" } }),
          timer("of another system", { source: { ...ann, system: "ann" } }),
        ];
        const sends = [timer("one"), timer("two", { target: bob }), timer("consumed")];
        const row = await createActor(store, ann, { sends });
        await store.messages.send(kept);
        const last = message("last", { source: ann });
        await apply(store, deletion(ann, row, { consumes: refs(["consumed"]), sends: [last] }));
        assertSameIds(idsOf(await list(store)), idsOf([...kept, last]));
        const tombstone = await loadRow(store, ann);
        await apply(store, nextCommit(ann, tombstone, { sends: [timer("one")] }));
        assert.deepStrictEqual(await loadMessages(store, ["one"]), [waiting(timer("one"))]);
      }),
  },
  {
    name: "removes timers also when the commit that deletes is the first of the actor",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([timer("timer"), ordered("kept")]);
        await apply(store, firstCommit(ann, { isDelete: true, state: undefined }));
        assert.deepStrictEqual(idsOf(await list(store)), ["kept"]);
      }),
  },
  {
    name: "counts the ordered messages that an actor sent and that are stored, and no others",
    run: (open) =>
      withStore(open, async (store) => {
        const unsent = async () => (await loadRow(store, ann)).unsent;
        const row = await createActor(store, ann);
        assert.strictEqual(row.unsent, 0);
        await store.messages.send([
          message("outside", { isOrdered: true }),
          message("unordered", { source: ann }),
          timer("timer"),
          ordered("of another", { source: bob }),
        ]);
        assert.strictEqual(await unsent(), 0);
        const sends = [ordered("a"), ordered("b", { target: cat }), ordered("c"), ordered("d")];
        await apply(store, nextCommit(ann, row, { sends }));
        assert.strictEqual(await unsent(), 4);
        await claimIds(store);
        assert.strictEqual(await unsent(), 4);
        await apply(store, firstCommit(bob, { consumes: refs(["a"]) }));
        assert.strictEqual(await unsent(), 3);
        await store.messages.park([{ ...ref("b"), error: "why" }], 1);
        assert.strictEqual(await unsent(), 2);
        await store.messages.remove(["c"]);
        assert.strictEqual(await unsent(), 1);
        await store.messages.retryParked(["b"], 1);
        assert.strictEqual(await unsent(), 2);
        assert.strictEqual((await loadRow(store, bob)).unsent, 1);
      }),
  },
  {
    name: "finds messages by their ids in a load, whosever they are, and parked ones not",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, ann);
        await store.messages.send([message("a"), ordered("b"), message("c", { target: cat })]);
        await sendParked(store, message("parked"));
        const [tried] = await store.messages.claim({
          wall: 1000,
          isDoubtful: false,
          laneMax: 1,
          limit: 1,
          unitsMax: 1,
          retry: { firstMs: 10, maxMs: 10 },
        });
        const ids = ["a", "b", "parked", "never"];
        const queries = [
          { actor: ann, row: true, keys: [], messages: ids },
          { actor: cat, row: true, keys: ["k"], messages: ["c"] },
          { actor: ann, row: false, keys: [], messages: [] },
        ];
        const [ofAnn, ofCat, none] = await store.load(queries);
        assert.deepStrictEqual(
          ofAnn?.messages.toSorted((one, other) => (one.id < other.id ? -1 : 1)),
          [tried, waiting(ordered("b"))],
        );
        assert.strictEqual(ofAnn?.row?.etag, (await loadRow(store, ann)).etag);
        assert.deepStrictEqual(ofCat?.messages, [waiting(message("c", { target: cat }))]);
        assert.deepStrictEqual(none?.messages, []);
      }),
  },
  {
    name: "sends five thousand messages in one commit and consumes them in one",
    run: (open) =>
      withStore(open, async (store) => {
        const sends = Array.from({ length: MANY }, (_, index) => ordered(`m-${index}`));
        const row = await createActor(store, ann, { sends });
        assert.strictEqual(row.unsent, MANY);
        assert.deepStrictEqual(await claimIds(store, { limit: MANY + 1 }), idsOf(sends));
        await apply(store, firstCommit(bob, { consumes: sends.toReversed() }));
        assert.strictEqual((await loadRow(store, ann)).unsent, 0);
        assert.deepStrictEqual(await list(store), []);
      }),
  },
];

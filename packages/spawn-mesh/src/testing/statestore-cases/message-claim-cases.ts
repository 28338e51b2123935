/** Claims: what is handed out, in which order, and what has to wait in its lane. */
import assert from "node:assert";
import { apply, createActor, firstCommit, loadRow, withStore } from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  ann,
  bob,
  cat,
  claim,
  claimIds,
  DUE_AT,
  idsOf,
  list,
  loadMessages,
  message,
  messages,
  ordered,
  ref,
  refs,
  repeating,
  waiting,
} from "./message-fixtures.ts";

const CLAIMS = 8;
/** Beyond what a number of any database can be doubled so often. */
const MANY_ATTEMPTS = 5000;

export const messageClaimCases: readonly ConformanceCase[] = [
  {
    name: "claims what is due, the longest due first, the earlier stored first among equals",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          message("d", { dueAt: 1000 }),
          message("b", { dueAt: 999 }),
          message("future", { dueAt: 1001 }),
          message("a", { dueAt: 1000 }),
        ]);
        await store.messages.send([message("z", { dueAt: 1 }), message("c", { dueAt: 999 })]);
        assert.deepStrictEqual(await claimIds(store), ["z", "b", "c", "d", "a"]);
        assert.deepStrictEqual(await claimIds(store), []);
        assert.deepStrictEqual(await claimIds(store, { wall: 1001 }), ["future"]);
      }),
  },
  {
    name: "counts an attempt and makes it due later, doubled with each attempt up to the most",
    run: (open) =>
      withStore(open, async (store) => {
        const sent = message("a");
        await store.messages.send([sent]);
        let wall = DUE_AT + 7;
        for (const [attempts, delayMs] of [100, 200, 400, 800, 1000, 1000].entries()) {
          const claimed = await claim(store, { wall, isDoubtful: attempts >= 2 });
          const expected = waiting(sent, { attempts: attempts + 1, dueAt: wall + delayMs });
          assert.deepStrictEqual(claimed, [expected]);
          assert.deepStrictEqual(await list(store), [expected]);
          for (const isDoubtful of [false, true]) {
            const early = { wall: wall + delayMs - 1, isDoubtful };
            assert.deepStrictEqual(await claim(store, early), []);
          }
          wall += delayMs;
        }
      }),
  },
  {
    name: "knows how long to wait after thousands of attempts",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([message("a")]);
        const tried = { ...ref("a"), dueAt: DUE_AT, attempts: MANY_ATTEMPTS, error: "why" };
        await store.messages.postpone([tried]);
        const expected = { attempts: MANY_ATTEMPTS + 1, dueAt: DUE_AT + 1000, error: "why" };
        assert.deepStrictEqual(await claim(store), [waiting(message("a"), expected)]);
      }),
  },
  {
    name: "claims up to the limit, the longest due",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ...messages(["a", "b", "c"]),
          message("first", { dueAt: DUE_AT - 1 }),
        ]);
        assert.deepStrictEqual(await claimIds(store, { limit: 2 }), ["first", "a"]);
        assert.deepStrictEqual(await claimIds(store, { limit: 2 }), ["b", "c"]);
        const untouched = await loadMessages(store, ["b"]);
        assert.strictEqual(untouched[0]?.attempts, 1);
      }),
  },
  {
    // So large that what encryption adds makes no difference; `sealed-cases.ts` counts exactly.
    name: "claims payloads up to the most units and ends before the one that would be too much",
    run: (open) =>
      withStore(open, async (store) => {
        const sizes = { a: 4_000, b: 4_000, none: undefined, c: 5_000, d: 1 };
        await store.messages.send(
          Object.entries(sizes).map(([id, size]) =>
            message(id, { payload: size === undefined ? null : "1".repeat(size) }),
          ),
        );
        assert.deepStrictEqual(await claimIds(store, { unitsMax: 10_000 }), ["a", "b", "none"]);
        assert.deepStrictEqual(await claimIds(store, { unitsMax: 6_000 }), ["c", "d"]);
      }),
  },
  {
    name: "claims the first message in any case, however large",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "b"]));
        assert.deepStrictEqual(await claimIds(store, { unitsMax: 1 }), ["a"]);
        assert.deepStrictEqual(await claimIds(store, { unitsMax: 1 }), ["b"]);
      }),
  },
  {
    name: "claims apart what has two attempts or more and was not postponed since it was claimed last",
    run: (open) =>
      withStore(open, async (store) => {
        const postpone = (id: string, attempts: number, dueAt = DUE_AT) =>
          store.messages.postpone([{ ...ref(id), dueAt, attempts, error: undefined }]);
        await store.messages.send(messages(["once", "twice", "often", "told"]));
        await postpone("twice", 1);
        await postpone("often", 6);
        await postpone("told", 6);
        assert.deepStrictEqual(await claimIds(store, { isDoubtful: true }), []);
        assert.deepStrictEqual(await claimIds(store), ["once", "twice", "often", "told"]);
        await postpone("told", 7, DUE_AT + 1000);
        const later = { wall: DUE_AT + 1000 };
        const doubtful = { ...later, isDoubtful: true };
        assert.deepStrictEqual(await claimIds(store, { ...doubtful, limit: 1 }), ["twice"]);
        assert.deepStrictEqual(await claimIds(store, later), ["once", "told"]);
        assert.deepStrictEqual(await claimIds(store, doubtful), ["often"]);
        const underWay = { attempts: 7, error: undefined, isUnderWay: true, dueAt: 1 };
        await store.messages.postpone([{ ...ref("often"), ...underWay }]);
        assert.deepStrictEqual(await claimIds(store, later), []);
        assert.deepStrictEqual(await claimIds(store, doubtful), ["often"]);
        await store.messages.park([{ ...ref("often"), error: "why" }], 1);
        await store.messages.retryParked(["often"], 1);
        assert.deepStrictEqual(await claimIds(store, later), ["often"]);
      }),
  },
  {
    name: "claims a lane in the order of storing, all that are due in one claim",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, ann, { sends: [ordered("c"), ordered("a")] });
        await store.messages.send([ordered("later", { dueAt: 1001 }), ordered("z")]);
        // "z" is due, but it comes after one that is not.
        assert.deepStrictEqual(await claimIds(store), ["c", "a"]);
      }),
  },
  {
    name: "leaves a message whose predecessor is due later, until that one is gone",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a", { dueAt: 1001 }), ordered("b", { dueAt: 1 })]);
        assert.deepStrictEqual(await claimIds(store), []);
        await apply(store, firstCommit(bob, { consumes: refs(["a"]) }));
        assert.deepStrictEqual(await claimIds(store), ["b"]);
      }),
  },
  {
    name: "claims a lane when its head is due, however long those behind it have been due",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ordered("a"),
          ordered("b", { dueAt: 1 }),
          message("c", { dueAt: 999 }),
        ]);
        assert.deepStrictEqual(await claimIds(store), ["c", "a", "b"]);
      }),
  },
  {
    name: "claims the heads of all lanes before those behind them, and a few of each lane",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ...["a1", "a2", "a3", "a4"].map((id) => ordered(id)),
          ...["b1", "b2", "b3", "b4"].map((id) => ordered(id, { target: cat })),
          message("c", { dueAt: DUE_AT - 1 }),
        ]);
        assert.deepStrictEqual(await claimIds(store, { laneMax: 3, limit: 6 }), [
          "c",
          "a1",
          "b1",
          "a2",
          "a3",
          "b2",
        ]);
      }),
  },
  {
    name: "finds the next head of a lane, whatever became of the one before it",
    run: (open) =>
      withStore(open, async (store) => {
        const ids = ["consumed", "removed", "parked", "replaced", "last"];
        await store.messages.send([...ids.map((id) => ordered(id)), ordered("behind")]);
        const ends: (() => Promise<unknown>)[] = [
          () => apply(store, firstCommit(bob, { consumes: refs(["consumed"]) })),
          () => store.messages.remove(["removed"]),
          () => store.messages.park([{ ...ref("parked"), error: "why" }], 1),
          () => store.messages.replace(ref("replaced"), []),
        ];
        for (const [index, end] of ends.entries()) {
          assert.deepStrictEqual(await claimIds(store, { laneMax: 1 }), [ids[index]]);
          await end();
          assert.strictEqual(await store.messages.nextDueAt(), DUE_AT);
        }
        assert.deepStrictEqual(await claimIds(store), ["last", "behind"]);
      }),
  },
  {
    name: "goes on with a lane whose later messages went before its head",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(["a", "b", "c", "d"].map((id) => ordered(id)));
        await store.messages.remove(["b", "d"]);
        assert.deepStrictEqual(await claimIds(store, { laneMax: 1 }), ["a"]);
        await store.messages.remove(["a"]);
        assert.deepStrictEqual(await claimIds(store), ["c"]);
        await store.messages.remove(["c"]);
        await store.messages.send([ordered("e")]);
        assert.deepStrictEqual(await claimIds(store), ["e"]);
      }),
  },
  {
    name: "leaves a lane whose first message is tried again later",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a"), ordered("b")]);
        await claim(store, { limit: 1 });
        assert.deepStrictEqual(await claimIds(store), []);
        const [a] = await loadMessages(store, ["a"]);
        assert.deepStrictEqual(await claimIds(store, { wall: a!.dueAt - 1 }), []);
        // "b" has been due for longer, and still has to let "a" go first.
        assert.deepStrictEqual(await claimIds(store, { wall: a!.dueAt }), ["a", "b"]);
      }),
  },
  {
    name: "leaves a lane whose head is doubtful to a claim for those, and ends before a message that is",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a"), ordered("b"), ordered("c")]);
        const tried = { dueAt: DUE_AT, attempts: 1, error: undefined };
        await store.messages.postpone([
          { ...ref("a"), ...tried },
          { ...ref("b"), ...tried },
        ]);
        assert.deepStrictEqual(await claimIds(store, { laneMax: 2 }), ["a", "b"]);
        const later = { wall: DUE_AT + 1000 };
        assert.deepStrictEqual(await claimIds(store, later), []);
        await store.messages.postpone([{ ...ref("a"), ...tried }]);
        assert.deepStrictEqual(await claimIds(store, { ...later, isDoubtful: true }), []);
        // "b" is another claim's, and "c" waits for it.
        assert.deepStrictEqual(await claimIds(store, later), ["a"]);
        await store.messages.remove(["a"]);
        const doubtful = { ...later, isDoubtful: true };
        assert.deepStrictEqual(await claimIds(store, doubtful), ["b"]);
      }),
  },
  {
    name: "leaves the rest of a lane that the limit or the units cut off, and others take their place in line",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ordered("a1"),
          ordered("a2"),
          ordered("b1", { target: cat }),
          ordered("a3"),
        ]);
        assert.deepStrictEqual(await claimIds(store, { limit: 1 }), ["a1"]);
        assert.deepStrictEqual(await claimIds(store, { limit: 2 }), ["b1"]);
        await store.messages.remove(["a1"]);
        assert.deepStrictEqual(await claimIds(store, { unitsMax: 1 }), ["a2"]);
        assert.deepStrictEqual(await claimIds(store), []);
      }),
  },
  {
    name: "takes messages of another source, another target, or without an order past a lane that waits",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ordered("first", { dueAt: 5000 }),
          ordered("second"),
          ordered("other target", { target: cat }),
          ordered("other source", { source: cat }),
          ordered("other way", { source: bob, target: ann }),
          message("unordered", { source: ann }),
          ordered("Bob", { target: { ...bob, name: "Bob" } }),
          ordered("bob with a space", { target: { ...bob, name: "bob " } }),
          ordered("other definition", { source: { ...ann, definition: "Counter" } }),
          ordered("other system", { source: { ...ann, system: "Shop" } }),
        ]);
        assert.deepStrictEqual(await claimIds(store), [
          "other target",
          "other source",
          "other way",
          "unordered",
          "Bob",
          "bob with a space",
          "other definition",
          "other system",
        ]);
      }),
  },
  {
    name: "has no lanes for what came from outside, nor for what has no order",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          message("outside, later", { isOrdered: true, dueAt: 5000 }),
          message("outside", { isOrdered: true }),
          message("unordered, later", { source: ann, dueAt: 5000 }),
          ordered("ordered"),
        ]);
        assert.deepStrictEqual(await claimIds(store), ["outside", "ordered"]);
      }),
  },
  {
    name: "says when the next claim may find something, and leaves out what waits for its lane",
    run: (open) =>
      withStore(open, async (store) => {
        const next = () => store.messages.nextDueAt();
        assert.strictEqual(await next(), undefined);
        await store.messages.send([ordered("a", { dueAt: 3000 }), ordered("b", { dueAt: 1 })]);
        assert.strictEqual(await next(), 3000);
        await store.messages.send([message("c", { dueAt: 2500 })]);
        assert.strictEqual(await next(), 2500);
        await claim(store, { wall: 2500 });
        assert.strictEqual(await next(), 2600);
        await store.messages.postpone([
          { ...ref("c"), dueAt: 9000, attempts: 4, error: undefined },
        ]);
        assert.strictEqual(await next(), 3000);
        await store.messages.park([{ ...ref("a"), error: "why" }], 1);
        assert.strictEqual(await next(), 1);
        await apply(store, firstCommit(bob, { consumes: refs(["b"]) }));
        assert.strictEqual(await next(), 9000);
        await store.messages.remove(["c"]);
        assert.strictEqual(await next(), undefined);
      }),
  },
  {
    name: "hands no message to two claims that overlap",
    run: (open) =>
      withStore(open, async (store) => {
        const sent = messages(Array.from({ length: 100 }, (_, index) => `m-${index}`));
        await store.messages.send(sent);
        const claims = await Promise.all(
          Array.from({ length: CLAIMS }, () => repeating(() => claim(store, { limit: 20 }))),
        );
        const claimed = idsOf(claims.flat());
        assert.strictEqual(new Set(claimed).size, claimed.length, "a message was claimed twice");
        for (const { attempts } of claims.flat()) assert.strictEqual(attempts, 1);
        for (const ofOne of claims) assert(ofOne.length <= 20, "more than the limit");
        const rest = idsOf(await claim(store));
        assert.deepStrictEqual([...claimed, ...rest].toSorted(), idsOf(sent).toSorted());
      }),
  },
  {
    name: "hands a lane to one of the claims that overlap, from its beginning",
    run: (open) =>
      withStore(open, async (store) => {
        const sent = Array.from({ length: 20 }, (_, index) => ordered(`m-${index}`));
        await store.messages.send(sent);
        const claims = await Promise.all(
          Array.from({ length: CLAIMS }, () => repeating(() => claimIds(store, { limit: 5 }))),
        );
        const successful = claims.filter((ids) => ids.length > 0);
        assert.deepStrictEqual(successful, [idsOf(sent).slice(0, 5)]);
      }),
  },
  {
    name: "keeps the order of lanes from one commit to the next",
    run: (open) =>
      withStore(open, async (store) => {
        let row = await createActor(store, ann, { sends: [ordered("z-1")] });
        const ids = ["z-1"];
        for (const id of ["y-2", "x-3", "w-4"]) {
          const sends = [ordered(`${id}-b`), ordered(`${id}-a`)];
          ids.push(...idsOf(sends));
          await apply(store, {
            ...firstCommit(ann, { sends, revision: row.revision + 1 }),
            handle: row.handle,
            previous: row.etag,
          });
          row = await loadRow(store, ann);
        }
        assert.deepStrictEqual(await claimIds(store), ids);
      }),
  },
];

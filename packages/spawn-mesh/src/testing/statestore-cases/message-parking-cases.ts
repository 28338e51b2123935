/** Messages that were given up: they wait apart until somebody decides. */
import assert from "node:assert";
import { apply, createActor, firstCommit, loadRow, withStore } from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  ann,
  assertSameIds,
  bob,
  cat,
  claim,
  claimIds,
  DUE_AT,
  idsOf,
  list,
  listParked,
  message,
  messages,
  ordered,
  sendParked,
  waiting,
} from "./message-fixtures.ts";

export const messageParkingCases: readonly ConformanceCase[] = [
  {
    name: "parks messages as they were, with the reason and the time, and leaves out what is gone",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a"), message("b", { payload: null }), message("c")]);
        const [a] = await claim(store, { limit: 1 });
        const why = "ü € 😀\n\tat line 1 '\"\\ ";
        const parked = [
          { id: "b", error: "" },
          { id: "gone", error: "why" },
          { id: "a", error: why },
        ];
        await store.messages.park(parked, 2000);
        assert.deepStrictEqual(await listParked(store), [
          { ...a, error: why, parkedAt: 2000 },
          { ...waiting(message("b", { payload: null })), error: "", parkedAt: 2000 },
        ]);
        assert.deepStrictEqual(idsOf(await list(store)), ["c"]);
      }),
  },
  {
    name: "keeps the first reason of a message that is parked already",
    run: (open) =>
      withStore(open, async (store) => {
        await sendParked(store, message("a"), 2000);
        await store.messages.park([{ id: "a", error: "another" }], 3000);
        const [parked] = await listParked(store);
        assert.deepStrictEqual([parked?.error, parked?.parkedAt], ["why a", 2000]);
      }),
  },
  {
    name: "neither claims, postpones, removes nor consumes what is parked",
    run: (open) =>
      withStore(open, async (store) => {
        await sendParked(store, message("a"));
        const before = await listParked(store);
        assert.deepStrictEqual(await claim(store, { wall: 9000 }), []);
        assert.strictEqual(await store.messages.nextDueAt(), undefined);
        await store.messages.postpone([{ id: "a", dueAt: 1, attempts: 0, error: undefined }]);
        assert.deepStrictEqual(await store.messages.remove(["a"]), []);
        assert.deepStrictEqual(await store.commit([firstCommit(bob, { consumes: ["a"] })]), [
          undefined,
        ]);
        assert.deepStrictEqual(await listParked(store), before);
      }),
  },
  {
    name: "lets a lane go on when the message that stopped it is parked",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a", { dueAt: 5000 }), ordered("b"), ordered("c")]);
        assert.deepStrictEqual(await claimIds(store), []);
        await store.messages.park([{ id: "a", error: "why" }], 1);
        assert.deepStrictEqual(await claimIds(store), ["b", "c"]);
      }),
  },
  {
    name: "lists what is parked, the first given up first and by the bytes of the id among equals",
    run: (open) =>
      withStore(open, async (store) => {
        const parkedAt = { b: 1000, a: 1000, B: 1000, A: 1000, "1": 3000, z: 1 };
        for (const [id, at] of Object.entries(parkedAt)) await sendParked(store, message(id), at);
        await store.messages.send([message("waits")]);
        const inOrder = ["z", "A", "B", "a", "b", "1"];
        assert.deepStrictEqual(idsOf(await listParked(store)), inOrder);
        const paged: string[] = [];
        let page = await listParked(store, { limit: 2 });
        while (page.length > 0) {
          paged.push(...idsOf(page));
          const { parkedAt: at, id } = page.at(-1)!;
          page = await listParked(store, { limit: 2, after: { at, id } });
        }
        assert.deepStrictEqual(paged, inOrder);
      }),
  },
  {
    name: "lists what is parked of one source, to one target, and of both",
    run: (open) =>
      withStore(open, async (store) => {
        await sendParked(store, ordered("ann to bob"));
        await sendParked(store, ordered("ann to cat", { target: cat }));
        await sendParked(store, message("to bob"));
        const listed = async (page: Parameters<typeof listParked>[1]) =>
          idsOf(await listParked(store, page));
        assert.deepStrictEqual(await listed({ source: ann }), ["ann to bob", "ann to cat"]);
        assert.deepStrictEqual(await listed({ target: bob }), ["ann to bob", "to bob"]);
        assert.deepStrictEqual(await listed({ source: ann, target: bob }), ["ann to bob"]);
        assert.deepStrictEqual(await listed({ source: cat }), []);
      }),
  },
  {
    name: "retries what is parked: due when it is told, with no attempts and no reason",
    run: (open) =>
      withStore(open, async (store) => {
        const [a, b] = [ordered("a", { headers: { kind: "step", hops: 2 } }), message("b")];
        await store.messages.send([a, b, message("c")]);
        await claim(store);
        const parked = ["a", "b", "c"].map((id) => ({ id, error: "why" }));
        await store.messages.park(parked, 2000);
        const retried = await store.messages.retryParked(["b", "gone", "a", "b"], 3000);
        assertSameIds(retried, ["a", "b"]);
        assert.deepStrictEqual(await list(store), [
          waiting(a, { dueAt: 3000 }),
          waiting(b, { dueAt: 3000 }),
        ]);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["c"]);
        assert.strictEqual(await store.messages.nextDueAt(), 3000);
        assert.deepStrictEqual(await store.messages.retryParked(["a"], 1), []);
        await apply(store, firstCommit(bob, { consumes: ["a", "b"] }));
      }),
  },
  {
    name: "puts what is retried behind all others of its lane, in the order in which it is named",
    run: (open) =>
      withStore(open, async (store) => {
        const sends = ["a", "b", "c", "d"].map((id) => ordered(id));
        await createActor(store, ann, { sends });
        const parked = ["a", "b"].map((id) => ({ id, error: "why" }));
        await store.messages.park(parked, 2000);
        await store.messages.retryParked(["b", "a"], 1);
        assert.strictEqual((await loadRow(store, ann)).unsent, 4);
        // Due before "c" and "d", and still behind them.
        assert.deepStrictEqual(await claimIds(store), ["c", "d"]);
        await store.messages.remove(["c", "d"]);
        assert.deepStrictEqual(await claimIds(store), ["b", "a"]);
      }),
  },
  {
    name: "leaves what waits alone when it is told to retry or discard it",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([message("a")]);
        assert.deepStrictEqual(await store.messages.retryParked(["a"], 1), []);
        assert.deepStrictEqual(await store.messages.discardParked(["a"]), []);
        assert.deepStrictEqual(await list(store), [waiting(message("a"))]);
      }),
  },
  {
    name: "discards what is parked, answers the ids of what was, and the id is free again",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "b", "c"]));
        const parked = ["a", "b", "c"].map((id) => ({ id, error: "why" }));
        await store.messages.park(parked, 2000);
        const discarded = await store.messages.discardParked(["c", "gone", "a", "c"]);
        assertSameIds(discarded, ["a", "c"]);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["b"]);
        assert.deepStrictEqual(await store.messages.retryParked(["a"], 1), []);
        await store.messages.send([message("a"), message("b")]);
        assert.deepStrictEqual(await list(store), [waiting(message("a"))]);
        assert.strictEqual(await store.messages.nextDueAt(), DUE_AT);
      }),
  },
  {
    name: "parks a message again after it was retried",
    run: (open) =>
      withStore(open, async (store) => {
        await sendParked(store, message("a"), 2000);
        await store.messages.retryParked(["a"], 2500);
        await store.messages.park([{ id: "a", error: "again" }], 3000);
        assert.deepStrictEqual(await listParked(store), [
          { ...waiting(message("a", { dueAt: 2500 })), error: "again", parkedAt: 3000 },
        ]);
      }),
  },
];

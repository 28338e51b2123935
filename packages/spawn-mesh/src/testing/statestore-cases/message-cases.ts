/** Messages outside of commits: sending, changing, replacing, removing, lists. */
import assert from "node:assert";
import { StoreFailure } from "../../engine/statestore.ts";
import {
  apply,
  createActor,
  FIRST_OWNER,
  firstCommit,
  loadRow,
  SECOND_OWNER,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  ann,
  assertSameIds,
  bob,
  cat,
  claim,
  claimIds,
  DUE_AT,
  everyCall,
  idsOf,
  list,
  listParked,
  loadMessages,
  message,
  messages,
  ordered,
  ref,
  refs,
  repeating,
  sendParked,
  timer,
  waiting,
} from "./message-fixtures.ts";

/** More than a statement of some databases takes parameters. */
const MANY = 3000;

export const messageCases: readonly ConformanceCase[] = [
  {
    name: "has no messages at first, and leaves out those that are gone whatever is asked",
    run: (open) =>
      withStore(open, async (store) => {
        const { messages: calls } = store;
        await calls.send([]);
        assert.strictEqual(await calls.nextDueAt(), undefined);
        await calls.postpone([{ ...ref("gone"), dueAt: 1, attempts: 1, error: "why" }]);
        await calls.park([{ ...ref("gone"), error: "why" }], 1);
        assert.strictEqual(await calls.replace(ref("gone"), [message("new")]), false);
        assert.deepStrictEqual(await calls.remove(["gone"]), []);
        assert.deepStrictEqual(await calls.retryParked(["gone"], 1), []);
        assert.deepStrictEqual(await calls.discardParked(["gone"]), []);
        assert.deepStrictEqual(await claim(store), []);
        assert.deepStrictEqual(await list(store), []);
        assert.deepStrictEqual(await listParked(store), []);
      }),
  },
  {
    name: "stores each message of a send, and changes nothing for an id that is stored or parked",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([message("stored")]);
        await sendParked(store, message("parked"));
        const other = { payload: '"other"', dueAt: 1, target: cat };
        await store.messages.send([
          message("stored", other),
          message("new"),
          message("parked", other),
          message("new", other),
        ]);
        assert.deepStrictEqual(await list(store), [
          waiting(message("new")),
          waiting(message("stored")),
        ]);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["parked"]);
        await claim(store);
        await store.messages.send([message("stored")]);
        assert.strictEqual((await loadMessages(store, ["stored"]))[0]?.attempts, 1);
      }),
  },
  {
    name: "stores a message once when sends of it overlap",
    run: (open) =>
      withStore(open, async (store) => {
        const sent = messages(["a", "b", "c", "d", "e", "f", "g", "h"]);
        const orders = [sent, sent.toReversed(), sent.slice(3), sent.toReversed().slice(2)];
        await Promise.all(orders.map((order) => repeating(() => store.messages.send(order))));
        assert.deepStrictEqual(
          await list(store),
          sent.map((one) => waiting(one)),
        );
      }),
  },
  {
    name: "changes when messages are due, how often they were tried and why they failed",
    run: (open) =>
      withStore(open, async (store) => {
        const [a, b] = [message("a"), message("b")];
        await store.messages.send([a, b, message("c")]);
        const error = "ü € 😀\n\tat line 1 '\"\\";
        const failed = { dueAt: 3000, attempts: 7, error };
        await store.messages.postpone([
          { ...ref("a"), ...failed },
          { ...ref("gone"), ...failed },
          { ...ref("b"), dueAt: 2000, attempts: 0, error: undefined },
        ]);
        assert.deepStrictEqual(await list(store), [
          waiting(message("c")),
          waiting(b, { dueAt: 2000 }),
          waiting(a, failed),
        ]);
        assert.deepStrictEqual(await claim(store, { wall: 3000, limit: 9 }), [
          waiting(message("c"), { dueAt: 3100, attempts: 1 }),
          waiting(b, { dueAt: 3100, attempts: 1 }),
          waiting(a, { dueAt: 4000, attempts: 8, error }),
        ]);
        await store.messages.postpone([{ ...ref("a"), dueAt: 5, attempts: 1, error: undefined }]);
        const changed = waiting(a, { dueAt: 5, attempts: 1 });
        assert.deepStrictEqual(await loadMessages(store, ["a"]), [changed]);
      }),
  },
  {
    name: "leaves a message in its place in line when it is postponed",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a"), ordered("b")]);
        await store.messages.postpone([{ ...ref("a"), dueAt: 2000, attempts: 1, error: "why" }]);
        await store.messages.postpone([
          { ...ref("b"), dueAt: 2000, attempts: 0, error: undefined },
        ]);
        assert.deepStrictEqual(await claimIds(store, { wall: 2000 }), ["a", "b"]);
      }),
  },
  {
    name: "replaces a message by others, whole, and by one of the same id",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([ordered("a"), ordered("b")]);
        const [x, y] = [
          ordered("x", { payload: null }),
          message("y", { headers: { kind: "step" } }),
        ];
        assert.strictEqual(await store.messages.replace(ref("a"), [y, x]), true);
        assert.deepStrictEqual(await list(store), [waiting(ordered("b")), waiting(x), waiting(y)]);
        assert.deepStrictEqual(await claimIds(store), ["b", "y", "x"]);
        const again = ordered("b", { payload: '"again"', dueAt: 2000 });
        assert.strictEqual(await store.messages.replace(ref("b"), [again]), true);
        assert.deepStrictEqual(await loadMessages(store, ["b"]), [waiting(again)]);
        assert.strictEqual(await store.messages.replace(ref("b"), []), true);
        assert.deepStrictEqual(idsOf(await list(store)), ["x", "y"]);
      }),
  },
  {
    name: "replaces nothing that is gone or parked, and stores nothing then",
    run: (open) =>
      withStore(open, async (store) => {
        await sendParked(store, message("parked"));
        await store.messages.send([message("consumed")]);
        await apply(store, firstCommit(bob, { consumes: refs(["consumed"]) }));
        for (const id of ["never", "parked", "consumed"])
          assert.strictEqual(
            await store.messages.replace(ref(id), [message(id), message("new")]),
            false,
          );
        assert.deepStrictEqual(await list(store), []);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["parked"]);
      }),
  },
  {
    name: "changes nothing for an id that is stored or parked already when it replaces another",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "stored"]));
        await sendParked(store, message("parked"));
        const other = { payload: '"other"' };
        const instead = [message("stored", other), message("parked", other), message("new")];
        assert.strictEqual(await store.messages.replace(ref("a"), instead), true);
        assert.deepStrictEqual(await list(store), [
          waiting(message("new")),
          waiting(message("stored")),
        ]);
      }),
  },
  {
    name: "removes messages and answers the ids of those that were stored",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send(messages(["a", "b", "c"]));
        await sendParked(store, message("parked"));
        const removed = await store.messages.remove(["c", "gone", "a", "parked", "c"]);
        assertSameIds(removed, ["a", "c"]);
        assert.deepStrictEqual(await store.messages.remove(["a"]), []);
        assert.deepStrictEqual(idsOf(await list(store)), ["b"]);
        assert.deepStrictEqual(idsOf(await listParked(store)), ["parked"]);
        await store.messages.send([message("a")]);
        assert.deepStrictEqual(idsOf(await list(store)), ["a", "b"]);
      }),
  },
  {
    name: "lists what waits, the earliest due first and by the bytes of the id among equals",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ...messages(["b", "a-", "B", "_", "a", "A", "10", "9", "a1"]),
          message("late", { dueAt: 2000 }),
          message("early", { dueAt: -5 }),
        ]);
        await sendParked(store, message("parked"));
        const inOrder = ["early", "10", "9", "A", "B", "_", "a", "a-", "a1", "b", "late"];
        assert.deepStrictEqual(idsOf(await list(store)), inOrder);
        assert.deepStrictEqual(idsOf(await list(store, { limit: 3 })), inOrder.slice(0, 3));
        const paged: string[] = [];
        let page = await list(store, { limit: 2 });
        while (page.length > 0) {
          paged.push(...idsOf(page));
          const { dueAt: at, id } = page.at(-1)!;
          page = await list(store, { limit: 2, after: { at, id } });
        }
        assert.deepStrictEqual(paged, inOrder);
        // The page before may have ended with what is gone by now.
        const after = { at: DUE_AT, id: "a0" };
        assert.deepStrictEqual(idsOf(await list(store, { after })), ["a1", "b", "late"]);
      }),
  },
  {
    name: "finds what was sent later than a time, or left and due later than one, among the next that are due, page by page",
    run: (open) =>
      withStore(open, async (store) => {
        const sentAt = DUE_AT + 500;
        await store.messages.send([
          message("now"),
          message("ahead b", { sentAt }),
          ordered("ahead a", { sentAt: sentAt + 1, dueAt: DUE_AT + 1 }),
          message("not yet", { sentAt: sentAt - 1 }),
          message("earlier", { sentAt, dueAt: DUE_AT - 1 }),
          message("far", { sentAt, dueAt: DUE_AT + 9 }),
        ]);
        const found = async (
          changes: Partial<Parameters<typeof store.messages.listSentLater>[0]> = {},
        ) => {
          const after = { at: DUE_AT - 1, id: "z" };
          const page = { sentAfter: sentAt - 1, leftDueAfter: 1e12, after, among: 100, limit: 10 };
          return await store.messages.listSentLater({ ...page, ...changes });
        };
        const all = await found();
        assert.deepStrictEqual(idsOf(all), ["ahead b", "ahead a", "far"]);
        const waiting = (await list(store)).filter(({ id }) => idsOf(all).includes(id));
        assert.deepStrictEqual(all, waiting);
        assert.deepStrictEqual(idsOf(await found({ limit: 1 })), ["ahead b"]);
        const after = { at: DUE_AT, id: "ahead b" };
        assert.deepStrictEqual(idsOf(await found({ after })), ["ahead a", "far"]);
        // "ahead b", "not yet", "now" and "ahead a" are looked at.
        assert.deepStrictEqual(idsOf(await found({ among: 4 })), ["ahead b", "ahead a"]);
        assert.deepStrictEqual(await found({ sentAfter: sentAt + 1 }), []);
        const left = { dueAt: DUE_AT + 20, attempts: 0, error: undefined };
        await store.messages.send([ordered("in a lane"), message("given back"), message("chosen")]);
        await store.messages.postpone([
          { ...message("now"), ...left, attempts: 1 },
          { ...message("in a lane"), ...left },
          { ...message("given back"), ...left, error: "no room" },
          { ...message("chosen"), ...left },
        ]);
        const leftDueAfter = DUE_AT + 19;
        assert.deepStrictEqual(idsOf(await found({ leftDueAfter })), [
          ...idsOf(all),
          "given back",
          "in a lane",
          "now",
        ]);
        assert.deepStrictEqual(idsOf(await found({ leftDueAfter: DUE_AT + 20 })), idsOf(all));
      }),
  },
  {
    name: "lists what waits of one source, to one target, and of both",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([
          ordered("ann to bob"),
          ordered("ann to cat", { target: cat }),
          ordered("cat to bob", { source: cat }),
          message("to bob"),
          ordered("ann to bob again", { isOrdered: false }),
          ordered("Ann to bob", { source: { ...ann, name: "Ann" } }),
          timer("timer"),
        ]);
        const listed = async (page: Parameters<typeof list>[1]) => idsOf(await list(store, page));
        assert.deepStrictEqual(await listed({ source: ann }), [
          "ann to bob",
          "ann to bob again",
          "ann to cat",
          "timer",
        ]);
        assert.deepStrictEqual(await listed({ target: bob }), [
          "Ann to bob",
          "ann to bob",
          "ann to bob again",
          "cat to bob",
          "to bob",
        ]);
        const both = { source: ann, target: bob };
        assert.deepStrictEqual(await listed(both), ["ann to bob", "ann to bob again"]);
        assert.deepStrictEqual(await listed({ ...both, limit: 1 }), ["ann to bob"]);
        const after = { at: DUE_AT, id: "ann to bob" };
        assert.deepStrictEqual(await listed({ ...both, after }), ["ann to bob again"]);
        assert.deepStrictEqual(await listed({ source: bob }), []);
      }),
  },
  {
    name: "takes thousands of messages in one call",
    run: (open) =>
      withStore(open, async (store) => {
        const { messages: calls } = store;
        const sent = Array.from({ length: MANY }, (_, index) => message(`m-${10_000 + index}`));
        const ids = idsOf(sent);
        await calls.send(sent);
        assert.strictEqual((await loadMessages(store, ids)).length, MANY);
        const later = { dueAt: 2000, attempts: 3, error: "why" };
        await calls.postpone(sent.map((one) => ({ ...one, ...later })));
        assert.deepStrictEqual(
          await list(store),
          sent.map((one) => waiting(one, later)),
        );
        await calls.park(
          sent.map((one) => ({ ...one, error: `why ${one.id}` })),
          3000,
        );
        assert.deepStrictEqual(
          (await listParked(store)).map(({ error }) => error),
          ids.map((id) => `why ${id}`),
        );
        const half = ids.slice(0, MANY / 2);
        assertSameIds(await calls.retryParked(ids, 1), ids);
        assert.deepStrictEqual(await claimIds(store, { limit: MANY }), ids);
        assertSameIds(await calls.remove(half), half);
        await calls.park(
          sent.map((one) => ({ ...one, error: "why" })),
          3000,
        );
        assertSameIds(await calls.discardParked(ids), ids.slice(MANY / 2));
        await calls.send([message("one")]);
        assert.strictEqual(await calls.replace(ref("one"), sent), true);
        assert.deepStrictEqual(idsOf(await list(store)), ids);
      }),
  },
  {
    name: "keeps messages, their attempts and their places from one session to the next",
    async run(open) {
      let store = await open(FIRST_OWNER);
      await createActor(store, ann, { sends: [ordered("b"), ordered("a"), ordered("c")] });
      await sendParked(store, message("parked"));
      const [b] = await claim(store, { limit: 1 });
      await store.close();
      store = await open(SECOND_OWNER);
      assert.deepStrictEqual(await loadMessages(store, ["b"]), [b]);
      assert.strictEqual((await loadRow(store, ann)).unsent, 3);
      assert.deepStrictEqual(await claimIds(store), []);
      await store.messages.send([ordered("0")]);
      assert.deepStrictEqual(await claimIds(store, { wall: b!.dueAt, laneMax: 1 }), ["b"]);
      await store.messages.remove(["b"]);
      assert.deepStrictEqual(await claimIds(store), ["a", "c", "0"]);
      assert.deepStrictEqual(idsOf(await listParked(store)), ["parked"]);
      await store.close();
    },
  },
  {
    name: "fails every call for messages after close with `fatal`, and applies nothing",
    async run(open) {
      const closed = await open(FIRST_OWNER);
      await closed.messages.send([message("kept")]);
      await closed.close();
      for (const call of everyCall) {
        await assert.rejects(
          () => call(closed.messages),
          (error) => error instanceof StoreFailure && error.kind === "fatal",
        );
      }
      await withStore(open, async (store) => {
        assert.deepStrictEqual(await list(store), [waiting(message("kept"))]);
        assert.deepStrictEqual(await listParked(store), []);
      });
    },
  },
];

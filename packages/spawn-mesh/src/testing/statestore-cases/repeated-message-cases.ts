/** A message that comes again under its id: whoever means the one before it does nothing to it. */
import assert from "node:assert";
import type { Message } from "../../engine/message-store.ts";
import type { Statestore } from "../../engine/statestore.ts";
import { actorNamed, apply, firstCommit, refuse, withStore } from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { claimIds, loadMessages, message, ordered, ref, waiting } from "./message-fixtures.ts";

const ann = actorNamed("ann");
const PAGE = { limit: 10 } as const;

function tick(sentAt: number): Message {
  return {
    id: "tick",
    source: ann,
    target: ann,
    action: "tick",
    payload: null,
    headers: { kind: "call" },
    isOrdered: false,
    isTimer: false,
    sentAt,
    dueAt: sentAt,
  };
}

const before = { id: "tick", sentAt: 1 } as const;

/** Stores the second of two messages of one id, and expects that it is there, untouched, afterwards. */
async function expectUntouched(
  store: Statestore,
  change: (store: Statestore) => Promise<unknown>,
): Promise<void> {
  await store.messages.send([tick(2)]);
  await change(store);
  const stored = { ...tick(2), attempts: 0, error: undefined };
  assert.deepStrictEqual(await store.messages.list(PAGE), [stored]);
  assert.deepStrictEqual(await store.messages.listParked(PAGE), []);
}

export const repeatedMessageCases: readonly ConformanceCase[] = [
  {
    name: "leaves a message that is replaced by the next one of its id in its place in line, untried",
    run: (open) =>
      withStore(open, async (store) => {
        const [first, second] = [ordered("first"), ordered("second")];
        await store.messages.send([first, second]);
        assert.deepStrictEqual(await claimIds(store), ["first", "second"]);
        const headers = { kind: "broadcast", reached: { definition: "d", name: "n" } } as const;
        const next = ordered("first", { sentAt: first.sentAt + 1, payload: null, headers });
        assert.strictEqual(await store.messages.replace(first, [message("other"), next]), true);
        assert.deepStrictEqual(await loadMessages(store, ["first"]), [waiting(next)]);
        assert.deepStrictEqual(await claimIds(store), ["first", "other"]);
        await store.messages.postpone([
          { ...ref("second"), dueAt: 1, attempts: 0, error: undefined },
        ]);
        assert.deepStrictEqual(await claimIds(store), []);
        assert.strictEqual(await store.messages.replace(next, []), true);
        assert.deepStrictEqual(await claimIds(store), ["second"]);
      }),
  },
  {
    name: "puts a message that is replaced by one of its id with another way behind those that are stored",
    run: (open) =>
      withStore(open, async (store) => {
        const [first, second] = [ordered("first"), ordered("second")];
        const ways: readonly Partial<Message>[] = [
          { source: actorNamed("dan") },
          { source: undefined },
          { target: actorNamed("dan") },
          { isOrdered: false },
          { isOrdered: false, isTimer: true },
        ];
        for (const way of ways) {
          const waits = message("waits", { ...first, ...way, id: "waits" });
          await store.messages.send([first, second, waits]);
          const next: Message = { ...first, ...way, sentAt: first.sentAt + 1 };
          assert.strictEqual(await store.messages.replace(first, [next]), true);
          assert.deepStrictEqual(await loadMessages(store, ["first"]), [waiting(next)]);
          assert.deepStrictEqual(await claimIds(store), ["second", "waits", "first"]);
          await store.messages.remove(["first", "second", "waits"]);
        }
      }),
  },
  {
    name: "refuses a commit that consumes the message before the one that is stored",
    run: (open) =>
      withStore(open, (store) =>
        expectUntouched(store, () => refuse(store, firstCommit(ann, { consumes: [before] }))),
      ),
  },
  {
    name: "lets a commit replace a message by the next one of its id",
    run: (open) =>
      withStore(open, async (store) => {
        await store.messages.send([tick(1)]);
        await apply(store, firstCommit(ann, { consumes: [before], sends: [tick(2)] }));
        const [stored] = await store.messages.list(PAGE);
        assert.strictEqual(stored?.sentAt, 2);
      }),
  },
  {
    name: "neither replaces, postpones nor parks a message in the name of the one before it",
    run: (open) =>
      withStore(open, (store) =>
        expectUntouched(store, async ({ messages }) => {
          assert.strictEqual(await messages.replace(before, [tick(3)]), false);
          await messages.postpone([{ ...before, dueAt: 9, attempts: 3, error: "late" }]);
          await messages.park([{ ...before, error: "late" }], 9);
        }),
      ),
  },
];

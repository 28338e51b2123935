/** What is encrypted around a statestore comes back as it was, is found by its key, and changes keys safely. */
import assert from "node:assert";
import type { Message, MessageClaim, StoredMessage } from "../../engine/message-store.ts";
import { errorMark } from "../../engine/sealed-rows.ts";
import type { SealableRow, Sealed } from "../../engine/sealed-rows.ts";
import type { Statestore } from "../../engine/statestore.ts";
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
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";

const ann = actorNamed("ann");
const bob = actorNamed("bob");
const AT = 1_700_000_000_000;

function sealed(text: string, keyId = "old"): Sealed {
  return { keyId, bytes: Uint8Array.from(Buffer.from(`\u0000\u00ff${text}`, "latin1")) };
}

function message(id: string, fields: Partial<Message> = {}): Message {
  return {
    id,
    source: ann,
    target: bob,
    action: "tell",
    payload: sealed(id),
    headers: { kind: "call" },
    isOrdered: true,
    isTimer: false,
    sentAt: AT,
    dueAt: AT,
    ...fields,
  };
}

/** All rows that are not sealed with `keyId`, by what they are. */
async function scanAll(
  store: Statestore,
  keyId: string,
  limit = 3,
): Promise<readonly SealableRow[]> {
  const found: SealableRow[] = [];
  let after: string | undefined;
  do {
    const part = await store.sealed.scan({ keyId, after, limit });
    assert(part.seen >= part.rows.length, "more rows were found than looked at");
    found.push(...part.rows);
    after = part.after;
  } while (after !== undefined);
  return found.toSorted((a, b) => (describe(a) < describe(b) ? -1 : 1));
}

function describe(row: SealableRow): string {
  switch (row.kind) {
    case "state":
    case "revision":
      return `${row.kind} ${row.actor.name} ${row.stored.revision}`;
    case "reply":
      return `reply ${row.actor.name} ${row.stored.key}`;
    case "message":
    case "parked":
      return `${row.kind} ${row.stored.id}`;
  }
}

/** The row as it is after its key was changed. */
function under(row: SealableRow, value: Sealed): SealableRow {
  switch (row.kind) {
    case "state":
    case "revision":
      return { ...row, stored: { ...row.stored, state: value } };
    case "reply":
      return { ...row, stored: { ...row.stored, reply: value, fingerprint: "sealed" } };
    case "message":
    case "parked":
      return { ...row, stored: { ...row.stored, ...messageUnder(value, row.stored) } };
  }
}

function messageUnder(payload: Sealed, { error }: StoredMessage) {
  const again = error === undefined ? error : reason(payload.keyId);
  return { payload, headers: { kind: "call" } as const, error: again };
}

/** Why a message failed, encrypted. */
function reason(keyId: string): string {
  return `${errorMark(keyId)}AAEC`;
}

/** Something of every kind: ann has a state, a revision, a reply and messages, bob is in clear. */
async function fill(store: Statestore): Promise<void> {
  const row = await createActor(store, ann, { state: sealed("1") });
  await apply(
    store,
    nextCommit(ann, row, {
      state: sealed("2"),
      revisionsKept: 2,
      replies: [reply("k", { reply: sealed("reply") })],
      sends: [message("m1"), message("m2")],
    }),
  );
  await store.messages.park([{ id: "m2", sentAt: AT, error: reason("old") }], AT);
  await createActor(store, bob, { replies: [reply("none", { reply: null })] });
}

const EVERYTHING = [
  "message m1",
  "parked m2",
  "reply ann k",
  "reply bob none",
  "revision ann 1",
  "state ann 2",
  "state bob 1",
];

const EVERYTHING_DUE: Omit<MessageClaim, "unitsMax"> = {
  wall: AT,
  isDoubtful: false,
  limit: 9,
  laneMax: 9,
  retry: { firstMs: 1000, maxMs: 1000 },
};

export const sealedCases: readonly ConformanceCase[] = [
  {
    name: "returns encrypted states, revisions, replies and messages with the ids of their keys",
    run: (open) =>
      withStore(open, async (store) => {
        await fill(store);
        assert.deepStrictEqual((await loadRow(store, ann)).state, sealed("2"));
        assert.deepStrictEqual((await store.readRevision(ann, 1))?.state, sealed("1"));
        const [stored] = await loadReplies(store, ann, ["k"]);
        assert.deepStrictEqual(stored?.reply, sealed("reply"));
        const query = { actor: ann, row: false, keys: [], messages: ["m1"] };
        const [answer] = await store.load([query]);
        assert.deepStrictEqual(answer?.messages[0]?.payload, sealed("m1"));
        const page = { limit: 10 };
        assert.deepStrictEqual((await store.messages.list(page))[0]?.payload, sealed("m1"));
        assert.deepStrictEqual((await store.messages.listParked(page))[0]?.payload, sealed("m2"));
        await store.messages.retryParked(["m2"], AT);
        const claimed = await store.messages.claim({ ...EVERYTHING_DUE, unitsMax: 1e6 });
        assert.deepStrictEqual(
          claimed.map(({ payload }) => payload),
          [sealed("m1"), sealed("m2")],
        );
      }),
  },
  {
    name: "returns 1 MiB of encrypted bytes",
    run: (open) =>
      withStore(open, async (store) => {
        const state = { keyId: "old", bytes: new Uint8Array(2 ** 20).fill(0xa5) };
        const row = await createActor(store, ann, { state });
        const bytes = (row.state as Sealed).bytes;
        assert(Buffer.compare(bytes, state.bytes) === 0, "1 MiB did not come back as it was");
      }),
  },
  {
    name: "finds what is clear or has another key, in parts of any size, and no deleted state",
    run: (open) =>
      withStore(open, async (store) => {
        await fill(store);
        const row = await createActor(store, actorNamed("gone"), { state: sealed("x") });
        await apply(store, deletion(actorNamed("gone"), row));
        for (const limit of [1, 2, 3, 1000]) {
          assert.deepStrictEqual((await scanAll(store, "new", limit)).map(describe), EVERYTHING);
          const clear = (await scanAll(store, "old", limit)).map(describe);
          assert.deepStrictEqual(clear, ["reply bob none", "state bob 1"]);
        }
      }),
  },
  {
    name: "changes keys in place: values and key change, and nothing else",
    run: (open) =>
      withStore(open, async (store) => {
        await fill(store);
        const before = await loadRow(store, ann);
        const rows = await scanAll(store, "new");
        const rewrites = rows.map((row) => ({ row, by: under(row, sealed("again", "new")) }));
        assert.strictEqual(await store.sealed.rewrite(rewrites), rows.length);
        assert.deepStrictEqual(await scanAll(store, "new"), []);
        const again = sealed("again", "new");
        assert.deepStrictEqual(await loadRow(store, ann), { ...before, state: again });
        assert.deepStrictEqual((await store.readRevision(ann, 1))?.state, again);
        const [ofAnn] = await loadReplies(store, ann, ["k"]);
        assert.deepStrictEqual(ofAnn, reply("k", { reply: again, fingerprint: "sealed" }));
        const [waiting] = await store.messages.list({ limit: 10 });
        const { attempts: _, error: __, ...sent } = waiting!;
        assert.deepStrictEqual(sent, message("m1", { payload: again }));
        const [parked] = await store.messages.listParked({ limit: 10 });
        assert.deepStrictEqual([parked?.payload, parked?.error], [again, reason("new")]);
        // The etag is the same, so the owner goes on.
        await apply(store, nextCommit(ann, before));
      }),
  },
  {
    name: "leaves rows that changed since they were scanned to those who changed them",
    run: (open) =>
      withStore(open, async (store) => {
        await fill(store);
        const rows = await scanAll(store, "new");
        const annRow = await loadRow(store, ann);
        await advance(store, ann, { row: annRow, fields: { state: sealed("3") } });
        await apply(store, deletion(bob, await loadRow(store, bob)));
        // Consumed and sent again under the same id, and retried.
        const other = message("m1", { payload: sealed("other") });
        await store.messages.replace(message("m1"), [other]);
        await store.messages.discardParked(["m2"]);
        const rewrites = rows.map((row) => ({ row, by: under(row, sealed("late", "new")) }));
        // Revision 1 and ann's reply are as they were.
        assert.strictEqual(await store.sealed.rewrite(rewrites), 2);
        assert.deepStrictEqual((await loadRow(store, ann)).state, sealed("3"));
        assert.strictEqual((await loadRow(store, bob)).isDeleted, true);
        const [waiting] = await store.messages.list({ limit: 10 });
        assert.deepStrictEqual(waiting?.payload, sealed("other"));
        assert.deepStrictEqual(await store.messages.listParked({ limit: 10 }), []);
      }),
  },
  {
    name: "leaves alone what looks like what was scanned, and was sent or stored after it",
    run: (open) =>
      withStore(open, async (store) => {
        const clear = { payload: '"x"', isOrdered: false };
        const sent = [message("waiting", clear), message("parked", clear)];
        const row = await createActor(store, ann, {
          state: sealed("1", "new"),
          replies: [reply("k", { expiresAt: AT })],
          sends: sent,
        });
        await store.messages.park([{ ...sent[1]!, error: "why" }], AT);
        const rows = await scanAll(store, "new");
        assert.strictEqual(rows.length, 3);
        await store.prune(AT + 1, 10);
        await store.messages.remove(["waiting"]);
        await store.messages.discardParked(["parked"]);
        const later = sent.map((one) => ({ ...one, sentAt: AT + 1 }));
        const stored = reply("k", { expiresAt: AT + 1 });
        const state = sealed("2", "new");
        await apply(store, nextCommit(ann, row, { state, replies: [stored], sends: later }));
        await store.messages.park([{ ...later[1]!, error: "why" }], AT);
        const rewrites = rows.map((found) => ({ row: found, by: under(found, sealed("late")) }));
        assert.strictEqual(await store.sealed.rewrite(rewrites), 0);
        assert.deepStrictEqual(await loadReplies(store, ann, ["k"]), [stored]);
        const page = { limit: 10 };
        assert.deepStrictEqual((await store.messages.list(page))[0]?.payload, '"x"');
        assert.deepStrictEqual((await store.messages.listParked(page))[0]?.payload, '"x"');
      }),
  },
  {
    name: "remembers an encrypted outcome when a message is replaced, and finds it by its key",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, ann, { state: sealed("1", "new"), sends: [message("m1")] });
        const outcome = reply("m1", { kind: "failed", fingerprint: "", reply: sealed("why") });
        await store.messages.replace(message("m1"), [], { actor: ann, reply: outcome });
        assert.deepStrictEqual(await loadReplies(store, ann, ["m1"]), [outcome]);
        const [found] = await scanAll(store, "new");
        assert.deepStrictEqual(found, { kind: "reply", actor: ann, stored: outcome });
        const again = sealed("why", "new");
        assert.strictEqual(
          await store.sealed.rewrite([{ row: found, by: under(found, again) }]),
          1,
        );
        const changed = { ...outcome, reply: again, fingerprint: "sealed" };
        assert.deepStrictEqual(await loadReplies(store, ann, ["m1"]), [changed]);
      }),
  },
  {
    name: "claims up to the most units: UTF-16 units of clear payloads, bytes of encrypted ones",
    run: (open) =>
      withStore(open, async (store) => {
        const payloads = { a: '"üü"', b: '"😀"', none: null, c: sealed("12345"), d: "1" };
        await createActor(store, ann, {
          sends: Object.entries(payloads).map(([id, payload]) =>
            message(id, { payload, isOrdered: false }),
          ),
        });
        const claimIds = async (unitsMax: number): Promise<readonly string[]> => {
          const claimed = await store.messages.claim({ ...EVERYTHING_DUE, unitsMax });
          return claimed.map(({ id }) => id);
        };
        assert.deepStrictEqual(await claimIds(14), ["a", "b", "none"]);
        assert.deepStrictEqual(await claimIds(8), ["c", "d"]);
      }),
  },
  {
    name: "finds messages whose reasons are not encrypted with the key, whatever their payloads are",
    run: (open) =>
      withStore(open, async (store) => {
        const reasons = {
          none: undefined,
          new: reason("new"),
          old: reason("old"),
          longer: reason("newer"),
          clear: "why",
        };
        const messages = Object.keys(reasons).flatMap((id) =>
          [id, `parked ${id}`].map((each) => message(each, { payload: sealed(each, "new") })),
        );
        await createActor(store, ann, { state: sealed("1", "new"), sends: messages });
        for (const [id, error] of Object.entries(reasons)) {
          await store.messages.postpone([{ ...message(id), attempts: 1, error }]);
          const parked = { ...message(`parked ${id}`), error: error ?? reasons.new };
          await store.messages.park([parked], AT);
        }
        const expected = ["clear", "longer", "old"];
        assert.deepStrictEqual((await scanAll(store, "new")).map(describe), [
          ...expected.map((id) => `message ${id}`),
          ...expected.map((id) => `parked parked ${id}`),
        ]);
      }),
  },
  {
    name: "keeps the encrypted reason of a message as it is, up to its greatest length",
    run: (open) =>
      withStore(open, async (store) => {
        const error = `\u0001encrypted ${"x".repeat(4088)}`;
        await createActor(store, ann, { sends: [message("m1")] });
        await store.messages.postpone([{ ...message("m1"), attempts: 1, error }]);
        assert.strictEqual((await store.messages.list({ limit: 1 }))[0]?.error, error);
        await store.messages.park([{ ...message("m1"), error }], AT);
        assert.strictEqual((await store.messages.listParked({ limit: 1 }))[0]?.error, error);
      }),
  },
  {
    name: "refuses a commit on the etag before, whoever has changed the key",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { state: sealed("1") });
        const commit = nextCommit(ann, row);
        await apply(store, commit);
        for (const found of await scanAll(store, "new")) {
          await store.sealed.rewrite([{ row: found, by: under(found, sealed("x", "new")) }]);
        }
        await refuse(store, commit);
        await refuse(store, firstCommit(ann));
      }),
  },
  {
    name: "keeps proofs of keys, the first of an id, and opens for those only who have all keys",
    run: async (open) => {
      const proof = { keyId: "old", proof: Uint8Array.of(0, 1, 255) };
      await withStore(open, async (store) => {
        assert.deepStrictEqual(await store.sealed.listKeys(), []);
        await store.sealed.addKey(proof);
        await store.sealed.addKey({ keyId: "old", proof: Uint8Array.of(9) });
        assert.deepStrictEqual(await store.sealed.listKeys(), [proof]);
      });
      await assert.rejects(open(FIRST_OWNER), { code: "STATESTORE_UNAVAILABLE", message: /"old"/ });
      // Whoever is refused can come again, with the keys.
      const openWith = (keyIds: readonly string[]): Promise<Statestore> =>
        open(FIRST_OWNER, keyIds);
      await assert.rejects(openWith(["new"]), { code: "STATESTORE_UNAVAILABLE" });
      const store = await openWith(["new", "old"]);
      assert.deepStrictEqual(await store.sealed.listKeys(), [proof]);
      await store.sealed.removeKey("old");
      await store.sealed.removeKey("never there");
      await store.close();
      await withStore(open, async (again) => {
        assert.deepStrictEqual(await again.sealed.listKeys(), []);
      });
    },
  },
];

/** Stored replies: written with their commit or not at all, one a key, forgotten when they expired. */
import assert from "node:assert";
import {
  actorNamed,
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
import { message, messages, ref } from "./message-fixtures.ts";

const ann = actorNamed("ann");
const bob = actorNamed("bob");

export const replyCases: readonly ConformanceCase[] = [
  {
    name: "returns the stored replies of the keys that were asked for, with every kind of reply",
    run: (open) =>
      withStore(open, async (store) => {
        const text = reply("a", { reply: '{"text":"ü \\u0000 😀"}' });
        const none = reply("b", { reply: null, expiresAt: 1_900_000_000_123 });
        const tooLarge = reply("c", { reply: undefined, fingerprint: "" });
        await apply(store, firstCommit(ann, { replies: [text, none] }));
        await apply(store, nextCommit(ann, await loadRow(store, ann), { replies: [tooLarge] }));
        assert.deepStrictEqual(await loadReplies(store, ann, ["c", "a", "absent"]), [
          text,
          tooLarge,
        ]);
        assert.deepStrictEqual(await loadReplies(store, ann, ["b"]), [none]);
        assert.deepStrictEqual(await loadReplies(store, ann, []), []);
        const [both] = await store.load([{ actor: ann, row: true, keys: ["b"], messages: [] }]);
        assert.deepStrictEqual([both?.row?.revision, both?.replies], [2, [none]]);
      }),
  },
  {
    name: "remembers an outcome with an actor when a message is replaced, and not when it is gone",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, ann);
        const outcome = { actor: ann, reply: reply("step", { kind: "failed", fingerprint: "" }) };
        await store.messages.send(messages(["a", "b"]));
        assert.strictEqual(await store.messages.replace(ref("a"), [message("c")], outcome), true);
        assert.deepStrictEqual(await loadReplies(store, ann, ["step"]), [outcome.reply]);
        const tooLarge = { actor: ann, reply: reply("large", { reply: undefined }) };
        assert.strictEqual(await store.messages.replace(ref("a"), [], tooLarge), false);
        assert.deepStrictEqual(await loadReplies(store, ann, ["large"]), []);
        assert.strictEqual(await store.messages.replace(ref("b"), [], tooLarge), true);
        assert.deepStrictEqual(await loadReplies(store, ann, ["large"]), [tooLarge.reply]);
        assert.deepStrictEqual((await loadRow(store, ann)).revision, 1);
      }),
  },
  {
    name: "leaves an outcome out whose actor has the key, was deleted, or was never there",
    run: (open) =>
      withStore(open, async (store) => {
        const first = reply("step", { reply: '"first"' });
        await apply(store, firstCommit(ann, { replies: [first] }));
        await createActor(store, bob);
        await apply(store, deletion(bob, await loadRow(store, bob)));
        await store.messages.send(messages(["a", "b", "c"]));
        const late = reply("step", { reply: '"late"' });
        const never = actorNamed("never");
        for (const [id, actor] of [["a", ann] as const, ["b", bob] as const, ["c", never] as const])
          assert.strictEqual(
            await store.messages.replace(ref(id), [], { actor, reply: late }),
            true,
          );
        assert.deepStrictEqual(await loadReplies(store, ann, ["step"]), [first]);
        assert.deepStrictEqual(await loadReplies(store, bob, ["step"]), []);
        assert.strictEqual(await findRow(store, never), undefined);
        assert.deepStrictEqual(await loadReplies(store, never, ["step"]), []);
      }),
  },
  {
    name: "keeps the keys of two actors apart, and keys that differ in case, spaces or normal form",
    run: (open) =>
      withStore(open, async (store) => {
        const keys = ["k", "K", "k ", "", "caf\u00e9", "cafe\u0301", "__proto__", "🔑"];
        keys.push("a\0b", "a\0c", "k\n", "k".repeat(256), `${"k".repeat(255)}m`, "🔑".repeat(64));
        const kept = keys.map((key) => reply(key, { fingerprint: "0123456789abcdef" }));
        await apply(store, firstCommit(ann, { replies: kept }));
        await apply(store, firstCommit(bob, { replies: [reply("k", { reply: '"of bob"' })] }));
        for (const one of kept)
          assert.deepStrictEqual(await loadReplies(store, ann, [one.key]), [one]);
        assert.deepStrictEqual(await loadReplies(store, bob, keys), [
          reply("k", { reply: '"of bob"' }),
        ]);
      }),
  },
  {
    name: "refuses a commit with all its parts when one of its keys is stored, and lets the others go on",
    run: (open) =>
      withStore(open, async (store) => {
        await apply(store, firstCommit(ann, { replies: [reply("used")] }));
        const before = await loadRow(store, ann);
        const again = nextCommit(ann, before, {
          revisionsKept: 5,
          replies: [reply("fresh"), reply("used", { reply: '"second"' }), reply("later")],
        });
        const answers = await store.commit([again, firstCommit(bob, { replies: [reply("used")] })]);
        assert.deepStrictEqual(answers, [undefined, (await loadRow(store, bob)).handle]);
        assert.deepStrictEqual(await loadRow(store, ann), before);
        assert.deepStrictEqual(await store.listRevisions(ann), []);
        assert.deepStrictEqual(await loadReplies(store, ann, ["fresh", "later", "used"]), [
          reply("used"),
        ]);
        await apply(store, nextCommit(ann, before, { replies: [reply("fresh")] }));
      }),
  },
  {
    name: "refuses a create that holds one key twice, and creates nothing",
    run: (open) =>
      withStore(open, async (store) => {
        await refuse(store, firstCommit(ann, { replies: [reply("k"), reply("k")] }));
        assert.strictEqual(await findRow(store, ann), undefined);
        assert.deepStrictEqual(await loadReplies(store, ann, ["k"]), []);
        await apply(store, firstCommit(ann, { replies: [reply("k")] }));
      }),
  },
  {
    name: "stores no reply of a commit whose etag is refused",
    run: (open) =>
      withStore(open, async (store) => {
        const first = await createActor(store, ann);
        await apply(store, nextCommit(ann, first));
        await refuse(store, nextCommit(ann, first, { replies: [reply("k")] }));
        assert.deepStrictEqual(await loadReplies(store, ann, ["k"]), []);
      }),
  },
  {
    name: "forgets the stored replies of a deleted actor and keeps those of the deleting commit",
    run: (open) =>
      withStore(open, async (store) => {
        const before = await createActor(store, ann, { replies: [reply("old")] });
        await refuse(store, deletion(ann, before, { replies: [reply("old")] }));
        assert.deepStrictEqual(await loadReplies(store, ann, ["old"]), [reply("old")]);
        await apply(store, deletion(ann, before, { replies: [reply("last")] }));
        assert.deepStrictEqual(await loadReplies(store, ann, ["old", "last"]), [reply("last")]);
      }),
  },
  {
    name: "prunes what expired before the given time, up to the limit, and says how many",
    run: (open) =>
      withStore(open, async (store) => {
        const replies = [100, 200, 300, 400].map((expiresAt) =>
          reply(`until ${expiresAt}`, { expiresAt }),
        );
        await apply(store, firstCommit(ann, { replies: replies.slice(0, 2) }));
        await apply(store, firstCommit(bob, { replies: replies.slice(2) }));
        assert.strictEqual(await store.prune(100, 10), 0);
        assert.strictEqual(await store.prune(400, 2), 2);
        assert.strictEqual(await store.prune(400, 2), 1);
        assert.strictEqual(await store.prune(400, 2), 0);
        const keys = replies.map((stored) => stored.key);
        assert.deepStrictEqual(await loadReplies(store, ann, keys), []);
        assert.deepStrictEqual(await loadReplies(store, bob, keys), [replies[3]]);
        await apply(
          store,
          nextCommit(ann, await loadRow(store, ann), { replies: replies.slice(0, 1) }),
        );
      }),
  },
];

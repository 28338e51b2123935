/** Declared indexes: written with the state, found by value and range, alike on every statestore. */
import assert from "node:assert";
import type { IndexedValue } from "../../engine/values/index-values.ts";
import type { Statestore } from "../../engine/statestore.ts";
import {
  actorNamed,
  advance,
  apply,
  createActor,
  deletion,
  FIRST_OWNER,
  firstCommit,
  loadRow,
  newEtag,
  nextCommit,
  refuse,
  SECOND_OWNER,
  wholeRows,
  withStore,
} from "./commit-fixtures.ts";
import type { SystemRow } from "../../engine/system-rows.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { findNames, index, is, question, within } from "./query-fixtures.ts";

const ann = actorNamed("ann");
const bob = actorNamed("bob");

/** One actor for each value of the field `v`, named by its place. */
async function createIndexed(store: Statestore, values: readonly IndexedValue[]): Promise<void> {
  const commits = values.map((v, at) => firstCommit(actorNamed(`${at}`), { index: index({ v }) }));
  const handles = await store.commit(commits);
  assert(!handles.includes(undefined), "a commit with an index was refused");
}

/** Strings in the order of their bytes; none of them is another one's equal. */
const texts: readonly string[] = [
  "",
  "\u0000",
  "\u0000\u0000",
  "\u0000a",
  "\u0001",
  " ",
  "Joe",
  "a",
  "a\u0000",
  "a\u0000b",
  "a\u0001",
  "a ",
  "ab",
  "b".repeat(512),
  "e\u0301",
  "joe",
  "joe ",
  "\u00df",
  "\u00e9",
  "\ud7ff",
  "\uffee",
  "😀",
  "🦕",
];

/** Numbers in their order. */
const numbers: readonly number[] = [
  -Number.MAX_VALUE,
  -(2 ** 53),
  -2,
  -1.5,
  -1,
  -Number.MIN_VALUE,
  0,
  Number.MIN_VALUE,
  0.1,
  1,
  9,
  10,
  2 ** 31,
  2 ** 53,
  2 ** 53 + 2,
  Number.MAX_VALUE,
];

export const indexCases: readonly ConformanceCase[] = [
  {
    name: "finds an actor by the entries of its last commit, and by no others",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { index: index({ email: "a@x", age: 7 }) });
        await createActor(store, bob, { index: index({ email: "b@x", age: 7 }) });
        await createActor(store, actorNamed("none"));
        assert.deepStrictEqual(await findNames(store, { where: [is("email", "a@x")] }), ["ann"]);
        const second = await advance(store, ann, {
          row,
          fields: { index: index({ email: "c@x" }) },
        });
        assert.deepStrictEqual(await findNames(store, { where: [is("email", "a@x")] }), []);
        assert.deepStrictEqual(await findNames(store, { where: [is("email", "c@x")] }), ["ann"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("age", 7)] }), ["bob"]);
        await apply(store, nextCommit(ann, second, { index: [] }));
        assert.deepStrictEqual(await findNames(store, { where: [is("email", "c@x")] }), []);
      }),
  },
  {
    name: "leaves the entries as they are when a commit has none",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { index: index({ age: 7 }) });
        await apply(store, nextCommit(ann, row));
        assert.deepStrictEqual(await findNames(store, { where: [is("age", 7)] }), ["ann"]);
      }),
  },
  {
    name: "writes no entry of a commit that is refused, also beside one that is applied",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { index: index({ age: 7 }) });
        const stale = { previous: newEtag(), index: index({ age: 8 }) };
        await refuse(store, nextCommit(ann, row, stale));
        await refuse(store, firstCommit(ann, { index: index({ age: 8 }) }));
        const missing = [{ id: "gone", sentAt: 1 }];
        await refuse(store, nextCommit(ann, row, { consumes: missing, index: index({ age: 8 }) }));
        const handles = await store.commit([
          nextCommit(ann, row, stale),
          firstCommit(bob, { index: index({ age: 9 }) }),
        ]);
        assert.deepStrictEqual([handles[0], handles[1] === undefined], [undefined, false]);
        assert.deepStrictEqual(await findNames(store, { where: [is("age", 7)] }), ["ann"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("age", 8)] }), []);
        assert.deepStrictEqual(await findNames(store, { where: [is("age", 9)] }), ["bob"]);
      }),
  },
  {
    name: "writes the entries of a group, one commit after the other of the same actor too",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { index: index({ n: 1, old: true }) });
        const second = nextCommit(ann, row, { index: index({ n: 2 }) });
        const third = nextCommit(
          ann,
          { ...row, etag: second.etag, revision: 2 },
          {
            index: index({ n: 3 }),
          },
        );
        const handles = await store.commit([
          second,
          third,
          firstCommit(bob, { index: index({ n: 2 }) }),
          firstCommit(actorNamed("eve"), { index: [] }),
        ]);
        assert(!handles.includes(undefined));
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 2)] }), ["bob"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 3)] }), ["ann"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("old", true)] }), []);
      }),
  },
  {
    name: "forgets the entries of a deleted actor, and has new ones when it comes back",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { index: index({ n: 1 }) });
        await apply(store, deletion(ann, row));
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 1)] }), []);
        const tombstone = await loadRow(store, ann);
        await apply(store, nextCommit(ann, tombstone));
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 1)] }), []);
        const back = await loadRow(store, ann);
        await apply(store, nextCommit(ann, back, { index: index({ n: 2 }) }));
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 2)] }), ["ann"]);
      }),
  },
  {
    name: "keeps entries through a change of owner and a new session",
    async run(open) {
      const first = await open(FIRST_OWNER);
      const row = await createActor(first, ann, { index: index({ n: 1, m: 1 }) });
      await first.close();
      const second = await open(SECOND_OWNER);
      assert.deepStrictEqual(await findNames(second, { where: [is("n", 1)] }), ["ann"]);
      await apply(second, nextCommit(ann, row, { index: index({ n: 2 }) }));
      assert.deepStrictEqual(await findNames(second, { where: [is("n", 2)] }), ["ann"]);
      assert.deepStrictEqual(await findNames(second, { where: [is("m", 1)] }), []);
      await second.close();
    },
  },
  {
    name: "tells strings apart that a collation would take for one, and long and odd ones",
    run: (open) =>
      withStore(open, async (store) => {
        await createIndexed(store, texts);
        for (const [at, value] of texts.entries())
          assert.deepStrictEqual(await findNames(store, { where: [is("v", value)] }), [`${at}`]);
        assert.deepStrictEqual(await findNames(store, { where: [is("v", "JOE")] }), []);
      }),
  },
  {
    name: "has strings in the order of their bytes, in pages of any size",
    run: (open) =>
      withStore(open, async (store) => {
        const inOrder = texts.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)));
        await createIndexed(store, inOrder.toReversed());
        const expected = inOrder.map((_, at) => `${inOrder.length - 1 - at}`);
        for (const limit of [1, 4, 100]) {
          const where = [within("v", { from: "" })];
          assert.deepStrictEqual(await findNames(store, { where, limit }), expected);
          assert.deepStrictEqual(await findNames(store, { where, limit, looksMax: 1 }), expected);
        }
        const some = await findNames(store, { where: [within("v", { from: "a", below: "joe " })] });
        const [first, last] = [inOrder.indexOf("a"), inOrder.indexOf("joe ")];
        assert.deepStrictEqual(some, expected.slice(first, last));
      }),
  },
  {
    name: "has numbers in their order, and one zero",
    run: (open) =>
      withStore(open, async (store) => {
        await createIndexed(store, numbers);
        const all = numbers.map((_, at) => `${at}`);
        const asked = (range: { from?: number; below?: number }): Promise<readonly string[]> =>
          findNames(store, { where: [within("v", range)], limit: 5 });
        assert.deepStrictEqual(await asked({ from: -Number.MAX_VALUE }), all);
        assert.deepStrictEqual(await asked({ below: 0 }), all.slice(0, 6));
        assert.deepStrictEqual(await asked({ below: -0 }), all.slice(0, 6));
        assert.deepStrictEqual(await asked({ from: -0, below: 10 }), all.slice(6, 11));
        assert.deepStrictEqual(await findNames(store, { where: [is("v", -0)] }), ["6"]);
        // Doubles: the number behind it is the same one.
        const asDouble = Number("9007199254740993");
        assert.deepStrictEqual(await findNames(store, { where: [is("v", asDouble)] }), ["13"]);
      }),
  },
  {
    name: "takes no value for one of another type, in a range neither",
    run: (open) =>
      withStore(open, async (store) => {
        await createIndexed(store, [1, "1", true, 0, "0", false, "true", ""]);
        const found = (where: ReturnType<typeof is>): Promise<readonly string[]> =>
          findNames(store, { where: [where] });
        assert.deepStrictEqual(await found(is("v", 1)), ["0"]);
        assert.deepStrictEqual(await found(is("v", "1")), ["1"]);
        assert.deepStrictEqual(await found(is("v", true)), ["2"]);
        assert.deepStrictEqual(await found(is("v", false)), ["5"]);
        assert.deepStrictEqual(await found(within("v", { from: 0 })), ["3", "0"]);
        assert.deepStrictEqual(await found(within("v", { below: "2" })), ["7", "4", "1"]);
      }),
  },
  {
    name: "finds by several fields, and by tags and times besides",
    run: (open) =>
      withStore(open, async (store) => {
        const people = [
          ["a", { city: "Ulm", age: 17 }],
          ["b", { city: "Ulm", age: 30 }],
          ["c", { city: "Ulm", age: 65 }],
          ["d", { city: "ulm", age: 30 }],
          ["e", { city: "Ulm" }],
        ] as const;
        await store.commit(
          people.map(([name, values], at) =>
            firstCommit(actorNamed(name), { index: index(values), at, tags: { name } }),
          ),
        );
        const adults = within("age", { from: 18, below: 65 });
        for (const limit of [1, 100]) {
          const where = [adults, is("city", "Ulm")];
          assert.deepStrictEqual(await findNames(store, { where, limit }), ["b"]);
        }
        const both = [within("age", { from: 18 }), within("city", { from: "U", below: "V" })];
        assert.deepStrictEqual(await findNames(store, { where: both, looksMax: 1 }), ["b", "c"]);
        const ulm = [is("city", "Ulm")];
        assert.deepStrictEqual(await findNames(store, { where: ulm, changedAfter: 2 }), ["e"]);
        assert.deepStrictEqual(await findNames(store, { where: ulm, tags: { name: "c" } }), ["c"]);
      }),
  },
  {
    name: "finds by the index of one definition and system, not of others",
    run: (open) =>
      withStore(open, async (store) => {
        const entries = { index: index({ n: 1 }) };
        await createActor(store, ann, entries);
        await createActor(store, actorNamed("x", "Counter"), entries);
        await createActor(store, actorNamed("y", "counter", "Shop"), entries);
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 1)] }), ["ann"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("N", 1)] }), []);
      }),
  },
  {
    name: "refuses a place of another question where the two differ in kind",
    run: (open) =>
      withStore(open, async (store) => {
        await createIndexed(store, [1, 2]);
        const { after } = await store.queries.list(
          question({ where: [within("v", { from: 0 })], limit: 1 }),
        );
        assert.notStrictEqual(after, undefined);
        await assert.rejects(store.queries.list(question({ after: `${after}x` })), {
          code: "INVALID_ARGUMENT",
        });
      }),
  },
  {
    name: "removes entries with what is removed of a system, and has them again when all of that is added",
    async run(open) {
      const first = await open(FIRST_OWNER);
      await createActor(first, actorNamed("ann", "counter", "Shop"), { index: index({ n: 1 }) });
      await createActor(first, ann, { index: index({ n: 1 }) });
      const rows: SystemRow[] = [];
      for await (const part of first.systems.read("shop")) rows.push(...wholeRows(part));
      await first.systems.remove(rows);
      await first.close();
      const store = await open(SECOND_OWNER);
      await createActor(store, bob);
      const where = [is("n", 1)];
      await store.systems.add(rows.filter(({ kind }) => kind !== "index"));
      assert.deepStrictEqual(await findNames(store, { where }), []);
      assert.deepStrictEqual(await findNames(store, { system: "Shop", where }), ["ann"]);
      await store.systems.add(rows);
      assert.deepStrictEqual(await findNames(store, { where }), ["ann"]);
      const { etag } = await loadRow(store, ann);
      await store.queries.reindex([{ actor: ann, etag, index: index({ n: 2 }) }]);
      assert.deepStrictEqual(await findNames(store, { where: [is("n", 2)] }), ["ann"]);
      await store.close();
    },
  },
  {
    name: "replaces entries of rows that still are what they were, and leaves their etags alone",
    run: (open) =>
      withStore(open, async (store) => {
        const row = await createActor(store, ann, { index: index({ old: 1 }) });
        const other = await createActor(store, bob, { index: index({ old: 1 }) });
        await apply(store, nextCommit(bob, other, { index: index({ n: 3 }) }));
        const gone = await createActor(store, actorNamed("gone"));
        await apply(store, deletion(actorNamed("gone"), gone));
        const tombstone = await loadRow(store, actorNamed("gone"));
        const rewritten = await store.queries.reindex([
          { actor: ann, etag: row.etag, index: index({ n: 2, m: true }) },
          { actor: bob, etag: other.etag, index: index({ n: 2 }) },
          { actor: actorNamed("never"), etag: row.etag, index: index({ n: 2 }) },
          { actor: actorNamed("gone"), etag: tombstone.etag, index: index({ n: 2 }) },
        ]);
        assert.strictEqual(rewritten, 1);
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 2)] }), ["ann"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("n", 3)] }), ["bob"]);
        assert.deepStrictEqual(await findNames(store, { where: [is("old", 1)] }), []);
        assert.deepStrictEqual(await loadRow(store, ann), row);
        await apply(store, nextCommit(ann, row));
        assert.strictEqual(await store.queries.reindex([]), 0);
      }),
  },
];

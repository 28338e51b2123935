/** Finding actors by definition, tags, deletion and time, page by page. */
import assert from "node:assert";
import {
  actorNamed,
  apply,
  createActor,
  deletion,
  firstCommit,
  nextCommit,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { findAll, findNames, question } from "./query-fixtures.ts";

const LARGE = 1_000;
const names = ["b", "a", "B", "é", "e\u0301", "a ", "🦕", "10", "9", "\uffee"];

export const queryCases: readonly ConformanceCase[] = [
  {
    name: "finds the actors of a definition, each once, in pages of any size and in one order",
    run: (open) =>
      withStore(open, async (store) => {
        assert.deepStrictEqual(await findNames(store), []);
        await store.commit(names.map((name) => firstCommit(actorNamed(name))));
        await createActor(store, actorNamed("a", "Counter"));
        await createActor(store, actorNamed("a", "counter", "Shop"));
        const inOrder = await findNames(store);
        assert.deepStrictEqual(inOrder.toSorted(), names.toSorted());
        for (const limit of [1, 3, names.length])
          for (const looksMax of [1, 2, 4, 1000])
            assert.deepStrictEqual(await findNames(store, { limit, looksMax }), inOrder);
      }),
  },
  {
    name: "finds the actors of all definitions of a system, and none of another",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, actorNamed("ann"));
        await createActor(store, actorNamed("ann", "cart"));
        await createActor(store, actorNamed("ann", "cart", "Shop"));
        for (const limit of [1, 100]) {
          const found = await findAll(store, { definition: undefined, limit });
          const shown = found.map(({ definition, name }) => `${definition}/${name}`);
          assert.deepStrictEqual(shown.toSorted(), ["cart/ann", "counter/ann"]);
        }
      }),
  },
  {
    name: "says of an actor what is known without its state",
    run: (open) =>
      withStore(open, async (store) => {
        const ann = actorNamed("ann");
        const row = await createActor(store, ann, { tags: { plan: "pro" } });
        await apply(store, nextCommit(ann, row, { tags: { plan: "pro" }, at: 77 }));
        assert.deepStrictEqual(await findAll(store), [
          {
            definition: "counter",
            name: "ann",
            isDeleted: false,
            revision: 2,
            changedAt: 77,
            tags: { plan: "pro" },
          },
        ]);
      }),
  },
  {
    name: "tells how large a state is that it does not answer, if it is asked for that",
    run: (open) =>
      withStore(open, async (store) => {
        // Encrypted it is a little larger.
        const state = `"${"ü".repeat(LARGE)}"`;
        await createActor(store, actorNamed("ann"), { state });
        await createActor(store, actorNamed("bob"), { state: Buffer.from(state) });
        for (const { stateBytes = 0 } of await findAll(store, { withSizes: true }))
          assert(stateBytes >= 2 * LARGE && stateBytes < 3 * LARGE, `${stateBytes} bytes`);
        for (const found of await findAll(store)) assert(!("stateBytes" in found));
      }),
  },
  {
    name: "finds those that were deleted when it is asked for them, and no others",
    run: (open) =>
      withStore(open, async (store) => {
        const ann = actorNamed("ann");
        const row = await createActor(store, ann);
        await createActor(store, actorNamed("bob"));
        await apply(store, deletion(ann, row));
        assert.deepStrictEqual(await findNames(store), ["bob"]);
        const [gone, ...others] = await findAll(store, { isDeleted: true });
        assert.deepStrictEqual([gone?.name, gone?.isDeleted, others], ["ann", true, []]);
      }),
  },
  {
    name: "finds by tags, all of which must be there with these very values",
    run: (open) =>
      withStore(open, async (store) => {
        const tagged = {
          plain: { plan: "pro" },
          both: { region: "eu", plan: "pro" },
          upper: { plan: "Pro" },
          longer: { plan: "pro " },
          quoted: { 'x"plan': "pro", note: '"plan":"pro"' },
          odd: { 'a"\\%_\u00fc': "\u0000\n🦕'" },
        };
        await store.commit(
          Object.entries(tagged).map(([name, tags]) => firstCommit(actorNamed(name), { tags })),
        );
        await createActor(store, actorNamed("none"));
        const found = async (tags: Record<string, string>): Promise<readonly string[]> =>
          (await findNames(store, { tags, limit: 2 })).toSorted();
        assert.deepStrictEqual(await found({ plan: "pro" }), ["both", "plain"]);
        assert.deepStrictEqual(await found({ plan: "pro", region: "eu" }), ["both"]);
        assert.deepStrictEqual(await found({ plan: "pro", region: "us" }), []);
        assert.deepStrictEqual(await found(tagged.odd), ["odd"]);
      }),
  },
  {
    name: "finds by the time of the last commit, later than one and earlier than another",
    run: (open) =>
      withStore(open, async (store) => {
        await store.commit([10, 20, 30].map((at) => firstCommit(actorNamed(`at ${at}`), { at })));
        const found = async (changedAfter?: number, changedBefore?: number) =>
          (await findNames(store, { changedAfter, changedBefore, looksMax: 1 })).toSorted();
        assert.deepStrictEqual(await found(10), ["at 20", "at 30"]);
        assert.deepStrictEqual(await found(undefined, 30), ["at 10", "at 20"]);
        assert.deepStrictEqual(await found(10, 30), ["at 20"]);
        assert.deepStrictEqual(await found(20, 20), []);
      }),
  },
  {
    name: "looks at a bounded number of rows for a page, and says where to go on",
    run: (open) =>
      withStore(open, async (store) => {
        await store.commit(
          Array.from({ length: 20 }, (_, at) => firstCommit(actorNamed(`a${at}`), { at })),
        );
        await createActor(store, actorNamed("wanted"), { at: 1_000 });
        assert.deepStrictEqual(await findNames(store, { changedAfter: 500, looksMax: 3 }), [
          "wanted",
        ]);
      }),
  },
  {
    name: "refuses a place to go on from that it never answered",
    run: (open) =>
      withStore(open, async (store) => {
        for (const after of ["", "nonsense", "W10", "eyJhIjoxfQ", "WzEsMiwzXQ", "🦕"]) {
          await assert.rejects(store.queries.list(question({ after })), {
            code: "INVALID_ARGUMENT",
          });
        }
      }),
  },
];

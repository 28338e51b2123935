/** The actors of a definition, page by page. */
import assert from "node:assert";
import type { Statestore } from "../../engine/statestore.ts";
import {
  actorNamed,
  apply,
  createActor,
  deletion,
  firstCommit,
  nextCommit,
  loadRow,
  withStore,
} from "./commit-fixtures.ts";
import type { ConformanceCase } from "./conformance-case.ts";

const names = ["b", "a", "B", "é", "e\u0301", "a ", "🦕", "10", "9", "\uffee"];

async function allNames(store: Statestore, limit: number): Promise<readonly string[]> {
  const listed: string[] = [];
  for (;;) {
    const of = { system: "shop", definition: "counter", after: listed.at(-1), limit };
    const page = await store.listActors(of);
    assert(page.length <= limit, "a page has more than its limit");
    if (page.length === 0) return listed;
    listed.push(...page);
  }
}

export const listingCases: readonly ConformanceCase[] = [
  {
    name: "lists the actors of a definition, each once, in pages of any size and in one order",
    run: (open) =>
      withStore(open, async (store) => {
        assert.deepStrictEqual(await allNames(store, 10), []);
        await store.commit(names.map((name) => firstCommit(actorNamed(name))));
        const inOrder = await allNames(store, 1000);
        assert.deepStrictEqual(inOrder.toSorted(), names.toSorted());
        for (const limit of [1, 3, names.length])
          assert.deepStrictEqual(await allNames(store, limit), inOrder);
      }),
  },
  {
    name: "lists none of another definition or system",
    run: (open) =>
      withStore(open, async (store) => {
        await createActor(store, actorNamed("mine"));
        await createActor(store, actorNamed("other", "Counter"));
        await createActor(store, actorNamed("other", "counter", "Shop"));
        await createActor(store, actorNamed("other", "counter", "sho"));
        await createActor(store, actorNamed("other", "pcounter", "sho"));
        assert.deepStrictEqual(await allNames(store, 10), ["mine"]);
      }),
  },
  {
    name: "leaves out actors that are deleted, and lists them again when they come back",
    run: (open) =>
      withStore(open, async (store) => {
        const ann = actorNamed("ann");
        const row = await createActor(store, ann);
        await createActor(store, actorNamed("bob"));
        await apply(store, deletion(ann, row));
        assert.deepStrictEqual(await allNames(store, 1), ["bob"]);
        await apply(store, nextCommit(ann, await loadRow(store, ann)));
        assert.deepStrictEqual(await allNames(store, 1), ["ann", "bob"]);
      }),
  },
];

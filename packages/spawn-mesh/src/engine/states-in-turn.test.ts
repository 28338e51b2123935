import { expect, test } from "vitest";
import { actorNamed, firstCommit } from "../testing/statestore-cases/commit-fixtures.ts";
import { memoryStatestore } from "../statestores/memory.ts";
import { everyActor } from "./actor-queries.ts";
import type { StoreQuery } from "./statestore.ts";
import { statesInTurn } from "./states-in-turn.ts";

const MIB = 1024 * 1024;

test("states are loaded together up to some megabytes, and a larger one alone", async () => {
  const store = memoryStatestore();
  await store.open({ owner: "o" });
  const sizes = [1, 10, 20, 3 * MIB, 3 * MIB, 1, 9 * MIB, 9 * MIB, 1, 2];
  const actors = sizes.map((_, at) => actorNamed(`a${at}`));
  const states = sizes.map((size) => "s".repeat(size));
  await store.commit(actors.map((actor, at) => firstCommit(actor, { state: states[at]! })));
  const load = store.load.bind(store);
  const loads: number[] = [];
  Object.assign(store, {
    load: (queries: readonly StoreQuery[]) => {
      loads.push(queries.length);
      return load(queries);
    },
  });
  const of = { system: "shop", definition: "counter", after: undefined };
  const page = { ...everyActor({ ...of, limit: 100, looksMax: 100 }), withSizes: true };
  const { actors: found } = await store.queries.list(page);
  const seen: unknown[] = [];
  for await (const { actor, row } of statesInTurn(store, "shop", found))
    seen.push([actor, row !== undefined && "state" in row && row.state]);
  expect(seen).toEqual(actors.map((actor, at) => [actor, states[at]]));
  expect(loads).toEqual([4, 2, 1, 1, 2]);
});

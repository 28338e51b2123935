import { describe, expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { FaultyStatestore } from "../../testing/faulty-statestore.ts";
import { seededRandom } from "../../testing/seeded-random.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { defaultLimits } from "../limits.ts";
import { Loader } from "./loader.ts";
import type { Limits } from "../limits.ts";

async function loaderOn(limits: Partial<Limits> = {}) {
  const store = new FaultyStatestore(memoryStatestore());
  await store.open({ owner: "me" });
  const clock = new VirtualClock();
  const parts = { store, clock, random: seededRandom(1), emit: () => undefined };
  const loader = new Loader({ ...parts, limits: { ...defaultLimits, ...limits } });
  const outcomes: string[] = [];
  return {
    store,
    clock,
    loader,
    outcomes,
    load: (name: string): void => {
      const actor = { system: "s", definition: "d", name };
      loader.load(
        { actor, row: true, keys: [], messages: [] },
        {
          loaded: ({ row }) => outcomes.push(`${name} ${row === undefined ? "no row" : "row"}`),
          loadFailed: ({ code, applied }) => outcomes.push(`${name} ${code} ${applied}`),
        },
      );
    },
  };
}

describe("loads", () => {
  test("of one tick go together, and each is answered once", async () => {
    const { load, clock, store, outcomes } = await loaderOn();
    for (const name of ["a", "b", "c"]) load(name);
    expect(outcomes).toEqual([]);
    await clock.advance(0);
    expect([outcomes, store.loadCount]).toEqual([["a no row", "b no row", "c no row"], 1]);
  });

  test("that come while others are on their way go with the next", async () => {
    const { load, clock, store, outcomes } = await loaderOn({ loadsInFlightMax: 1 });
    const hold = store.hold("load");
    load("a");
    await clock.advance(0);
    for (let n = 0; n < 50; n++) load(`late ${n}`);
    await clock.advance(0);
    expect(store.loadCount).toBe(1);
    hold.release();
    await clock.advance(0);
    expect([outcomes.length, store.loadCount]).toEqual([51, 2]);
  });

  test("are as large and as many as their limits allow", async () => {
    const { load, clock, store } = await loaderOn({ loadRowsMax: 10, loadsInFlightMax: 2 });
    const hold = store.hold("load");
    for (let n = 0; n < 100; n++) load(`${n}`);
    await clock.advance(0);
    expect(store.loadCount).toBe(2);
    hold.release();
    await clock.advance(0);
    expect(store.loadCount).toBe(10);
  });

  test("that fail are tried again for a while, and then said to have failed", async () => {
    const { load, clock, store, outcomes } = await loaderOn({ storeRetryMs: 1_000 });
    store.fail("load", { times: 3 });
    load("a");
    await clock.advance(900);
    expect(outcomes).toEqual(["a no row"]);
    store.fail("load", { times: Infinity });
    load("b");
    await clock.advance(900);
    expect(outcomes).toHaveLength(1);
    await clock.advance(3_000);
    expect(outcomes.at(-1)).toBe("b STATESTORE_UNAVAILABLE no");
  });

  test("that can never succeed fail at once", async () => {
    const { load, clock, store, outcomes } = await loaderOn();
    store.fail("load", { kind: "fatal" });
    load("a");
    await clock.advance(0);
    expect(outcomes).toEqual(["a STATESTORE_UNAVAILABLE no"]);
  });

  test("are answered to nobody after a crash", async () => {
    const { load, loader, clock, store, outcomes } = await loaderOn();
    const hold = store.hold("load");
    load("a");
    await clock.advance(0);
    load("b");
    loader.abandon();
    hold.release();
    await clock.advance(10_000);
    expect([outcomes, store.loadCount]).toEqual([[], 1]);
  });
});

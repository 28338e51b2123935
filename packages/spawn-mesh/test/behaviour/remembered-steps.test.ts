/** What a repeated key finds when its call went on in other actors: the answer of the first time, wherever that came from. */
import { describe, expect, test } from "vitest";
import { actor, fail, input, reply } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { z } from "zod";
import { crashAndRestart, errorOf, settled, startSystem } from "./start-system.ts";
import type { StartOptions, StartedSystem } from "./start-system.ts";

let runs: string[] = [];

const till = actor("till", {
  kind: "unnamed",
  state: () => ({ booked: 0 }),
  actions: {
    book(ctx, item: string) {
      ctx.state.booked++;
      return `${item} booked`;
    },
  },
});

/** Has no state, and answers, goes on, or fails. */
const printer = actor("printer", {
  actions: {
    print(_ctx, item: string) {
      runs.push(item);
      return `${item} printed ${runs.length}`;
    },
    pass(_ctx, item: string) {
      runs.push(item);
      return reply(item).pipe(till, "t", "book");
    },
    passTwice(_ctx, item: string) {
      runs.push(item);
      return reply(item).pipe(printers, "print");
    },
    refuse(_ctx, item: string) {
      runs.push(item);
      return fail("out of paper", runs.length);
    },
    jam(_ctx, item: string): string {
      runs.push(item);
      throw new Error(`jammed ${runs.length}`);
    },
  },
});

/** The same, with several instances. */
const printers = actor("printers", {
  kind: "pooled",
  pool: { max: 2 },
  actions: {
    print(_ctx, item: string) {
      runs.push(item);
      return `${item} printed ${runs.length}`;
    },
  },
});

/** Refuses what is no text, before its code runs. */
const taster = actor("taster", {
  state: () => ({ tasted: 0 }),
  actions: {
    taste: input(z.string(), (ctx, item) => {
      ctx.state.tasted++;
      return item;
    }),
  },
});

const shop = actor("shop", {
  state: () => ({ orders: 0 }),
  actions: {
    teaOnly(ctx, item: unknown): unknown {
      ctx.state.orders++;
      return reply(item as string).pipe(taster, "taste");
    },
    order(ctx, { item, goesTo }: { item: string; goesTo: string }): unknown {
      ctx.state.orders++;
      return reply(item).pipe(printer, goesTo as "print");
    },
    pooled(ctx, item: string): unknown {
      ctx.state.orders++;
      return reply(item).pipe(printers, "print");
    },
  },
});

const actors = [till, printer, printers, taster, shop];
const withKey = { idempotencyKey: "k" };

async function start(options: StartOptions = {}): Promise<StartedSystem> {
  runs = [];
  return await startSystem(actors, options);
}

async function orderTwice(system: ActorSystem, goesTo: string): Promise<readonly unknown[]> {
  const order = (): Promise<unknown> =>
    system.actor(shop).order({ item: "tea", goesTo }, withKey).catch(errorText);
  return [await order(), await order(), (await system.actor(shop).get()).orders];
}

function errorText({ message, applied }: { message: string; applied?: string }): string {
  return `${message} ${applied}`;
}

describe("a repeated key of a call that goes on in an actor without a state", () => {
  test("is told what that answered, and its code does not run again", async () => {
    const { system } = await start();
    expect(await orderTwice(system, "print")).toEqual(["tea printed 1", "tea printed 1", 1]);
    expect(runs).toEqual(["tea"]);
  });

  test("is told what a pooled one answered", async () => {
    const { system } = await start();
    const order = (): Promise<unknown> => system.actor(shop).pooled("tea", withKey);
    expect([await order(), await order()]).toEqual(["tea printed 1", "tea printed 1"]);
  });

  test("is told what came after it, from an actor with a state", async () => {
    const { system } = await start();
    expect(await orderTwice(system, "pass")).toEqual(["tea booked", "tea booked", 1]);
    expect((await system.actor(till, "t").get()).booked).toBe(1);
  });

  test("is told what came after it, from another one without a state", async () => {
    const { system } = await start();
    expect(await orderTwice(system, "passTwice")).toEqual(["tea printed 2", "tea printed 2", 1]);
  });

  test.each(["refuse", "jam"])("is told that it failed: %s", async (goesTo) => {
    const { system } = await start();
    const [first, second, orders] = await orderTwice(system, goesTo);
    expect(first).toMatch(/(out of paper|jammed 1).* yes$/);
    expect([second, orders, runs]).toEqual([first, 1, ["tea"]]);
  });

  test("lets happen what had not happened when the process died", async () => {
    const first = await start();
    const { system } = first;
    first.store.fail("messages", { kind: "capacity", times: Infinity });
    const lost = system.actor(shop).order({ item: "tea", goesTo: "print" }, withKey);
    lost.catch(() => undefined);
    await settled();
    const second = await crashAndRestart(first, actors);
    const again = second.system.actor(shop).order({ item: "tea", goesTo: "print" }, withKey);
    // It ran before the process died, and nothing of that was stored.
    expect(await again).toBe("tea printed 2");
    expect(await orderTwice(second.system, "print")).toEqual(["tea printed 2", "tea printed 2", 1]);
  });

  test("finds nothing after the actor that remembers was deleted: it is a new call", async () => {
    const { system } = await start();
    await orderTwice(system, "print");
    await system.stored(shop).delete();
    expect(await orderTwice(system, "print")).toEqual(["tea printed 2", "tea printed 2", 1]);
  });
});

describe("a repeated key of a call that nobody could take over", () => {
  test("is told how the payload was refused", async () => {
    const { system } = await start();
    const order = async () => await errorOf(system.actor(shop).teaOnly(7, withKey));
    const first = await order();
    expect(first).toMatchObject({ code: "INVALID_ARGUMENT", applied: "yes" });
    expect(await order()).toMatchObject({ message: first.message, applied: "yes" });
    expect(await system.messages.listParked()).toEqual([]);
  });

  test("is told that it went on too often", async () => {
    const { system } = await start({ limits: { hopsMax: 1 } });
    const [first, second] = await orderTwice(system, "pass");
    expect(first).toMatch(/^\[CYCLE\].* yes$/);
    expect(second).toBe(first);
  });

  test("is told what happened although nobody waited for it any more", async () => {
    const first = await start();
    const held = first.store.hold("commit", { isApplied: true });
    first.system
      .actor(shop)
      .order({ item: "tea", goesTo: "jam" }, withKey)
      .catch(() => undefined);
    await settled();
    held.release();
    const second = await crashAndRestart(first, actors);
    await second.clock.advance(10_000);
    expect(runs).toEqual(["tea"]);
    const again = await errorOf(
      second.system.actor(shop).order({ item: "tea", goesTo: "jam" }, withKey),
    );
    expect(again).toMatchObject({ code: "ACTION_FAILED", applied: "yes" });
    expect(runs).toEqual(["tea"]);
  });
});

/** What a repeated key finds when its call went on in other actors: the answer of the first time, wherever that came from. */
import { describe, expect, test } from "vitest";
import { actor, reply } from "spawn-mesh";
import type { ActorSystem } from "spawn-mesh";
import { crashAndRestart, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

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

/** Has no state, and answers or goes on. */
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

const shop = actor("shop", {
  state: () => ({ orders: 0 }),
  actions: {
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

const actors = [till, printer, printers, shop];
const withKey = { idempotencyKey: "k" };

async function start(): Promise<StartedSystem> {
  runs = [];
  return await startSystem(actors);
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

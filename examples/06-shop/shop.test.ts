// The shop under test: virtual time, crashes, an older version, and requests over HTTP.
import type { AddressInfo } from "node:net";
import { actor, settle } from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { testActorSystem, type TestActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { cart } from "./cart.ts";
import { mailer, order } from "./order.ts";
import { report } from "./report.ts";
import { shopServer } from "./server.ts";
import { RESERVED_MS, stock } from "./stock.ts";

const DAY_MS = 24 * 60 * 60_000;

async function openShop(): Promise<TestActorSystem> {
  const system = await testActorSystem({
    actors: [cart, order, report, stock],
    externals: [mailer],
  });
  await system.actor(stock, "tea").receive(10);
  return system;
}

async function order3(system: TestActorSystem, id: string): Promise<unknown> {
  await system.actor(cart, id).put({ article: "tea", count: 3 });
  return await system.actor(cart, id).checkout(id);
}

test("what nobody pays for is sold to others", async () => {
  await using system = await openShop();
  expect(await order3(system, "o-1")).toEqual({
    order: "o-1",
    lines: [{ article: "tea", count: 3 }],
  });
  expect((await system.actor(stock, "tea").get()).left).toBe(7);
  await system.crash();
  await system.advance(RESERVED_MS);
  expect(await system.actor(stock, "tea").get()).toEqual({ left: 10, reserved: [] });
});

test("what is paid is gone, and is in the report of the day", async () => {
  await using system = await openShop();
  await order3(system, "o-1");
  await system.actor(order, "o-1").pay();
  await system.crash();
  await system.advance(DAY_MS);
  expect(await system.actor(stock, "tea").get()).toEqual({ left: 7, reserved: [] });
  const sold = [[{ article: "tea", count: 3 }]];
  expect((await system.actor(report).days()).map((day) => day.sold)).toEqual(sold);
});

test.each(["toString", "__proto__"])(
  "an order and an article that are called %s are counted as any others",
  async (name) => {
    await using system = await openShop();
    await system.actor(stock, name).receive(10);
    await system.actor(cart, "c-1").put({ article: name, count: 3 });
    await system.actor(cart, "c-1").checkout(name);
    expect((await system.actor(stock, name).get()).left).toBe(7);
    await system.actor(order, name).pay();
    await system.advance(DAY_MS);
    expect(await system.actor(stock, name).get()).toEqual({ left: 7, reserved: [] });
    const [day] = await system.actor(report).days();
    expect(day?.sold).toEqual([{ article: name, count: 3 }]);
  },
);

test("a cart that asks for too much is told how much there is", async () => {
  await using system = await openShop();
  await system.actor(cart, "c-1").put({ article: "tea", count: 11 });
  const settled = await settle(system.actor(cart, "c-1").checkout("o-1"));
  expect(settled.failure).toEqual({ code: "sold-out", data: { article: "tea", left: 10 } });
});

test("a cart of the first version goes on in the second", async () => {
  const statestore = memoryStatestore();
  const oldCart = actor("cart", {
    kind: "unnamed",
    state: () => ({ lines: {} as Record<string, number> }),
    actions: { put: (ctx, article: string) => (ctx.state.lines[article] = 1) },
  });
  const before = await testActorSystem({ actors: [oldCart], statestore });
  await before.actor(oldCart, "c-1").put("tea");
  await before.stop();

  await using after = await testActorSystem({ actors: [cart], statestore });
  expect(await after.checkMigrations()).toMatchObject({ seen: 1, failed: 0 });
  const put = after.actor(cart, "c-1").put({ article: "tea", count: 2 });
  expect(await put).toEqual([{ article: "tea", count: 3 }]);
});

test("a cart that nobody touches is gone after a week", async () => {
  await using system = await openShop();
  await system.actor(cart, "c-1").put({ article: "tea", count: 1 });
  await system.advance(8 * DAY_MS);
  expect((await system.actors.list({ definition: "cart" })).actors).toEqual([]);
});

test("requests are answered, and done once when they are repeated", async () => {
  await using system = await openShop();
  await using server = shopServer(system);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  async function post(path: string, body: unknown, key = ""): Promise<[number, unknown]> {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: key === "" ? {} : { "idempotency-key": key },
    });
    return [response.status, await response.json()];
  }

  const line = { article: "tea", count: 3 };
  expect(await post("cart/c-1/put", line, "k-1")).toEqual([200, [line]]);
  expect(await post("cart/c-1/put", line, "k-1")).toEqual([200, [line]]);
  const opened = { order: "o-1", lines: [line] };
  expect(await post("cart/c-1/checkout", "o-1", "k-2")).toEqual([200, opened]);
  expect(await post("cart/c-1/checkout", "o-1", "k-2")).toEqual([200, opened]);
  expect(await post("cart/c-1/checkout", "o-1")).toMatchObject([409, { code: "empty" }]);
  expect(await post("cart/c-1/put", { article: "tea" })).toMatchObject([
    400,
    { code: "INVALID_ARGUMENT", applied: "no" },
  ]);
  expect(await post("stock/tea/receive", "3")).toMatchObject([400, { code: "INVALID_ARGUMENT" }]);
  expect(await post("cart/c-1/checkout", { id: 1 })).toMatchObject([
    400,
    { code: "INVALID_ARGUMENT" },
  ]);
  expect(await post("order/o-1/pay", null)).toEqual([200, { status: "paid" }]);
  expect(await post("order/o-1/pay", null)).toMatchObject([409, { code: "not-open" }]);
  expect(await post("nowhere", null)).toMatchObject([404, { code: "ACTION_NOT_FOUND" }]);
});

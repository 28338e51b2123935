/** The shop of the examples as it is, its actors kept by a sidecar. */
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { cart } from "../../../../examples/06-shop/cart.ts";
import { mailer, order } from "../../../../examples/06-shop/order.ts";
import { report } from "../../../../examples/06-shop/report.ts";
import { shopServer } from "../../../../examples/06-shop/server.ts";
import { stock } from "../../../../examples/06-shop/stock.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { until } from "../fixtures/until.ts";
import { startBeside } from "./start-sidecar.ts";

test("the shop sells beside a sidecar what it sells embedded", async () => {
  await using proxy = await startTestProxy();
  const actors = [cart, order, report, stock];
  await using shop = await startBeside(proxy, actors, { externals: [mailer] });
  await using server = shopServer(shop);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await fetch(`http://127.0.0.1:${port}/${path}`, { method, ...sent })).json();
  };
  const mails = vi.spyOn(console, "log").mockReturnValue(undefined);
  const line = { article: "tea", count: 3 };

  expect(await ask("POST", "stock/tea/receive", 10)).toBe(10);
  expect(await ask("POST", "cart/c-1/put", line)).toEqual([line]);
  expect(await ask("POST", "cart/c-1/checkout", "o-1")).toEqual({ order: "o-1", lines: [line] });
  expect(await ask("GET", "orders")).toEqual(["o-1"]);
  expect(await shop.actor(stock, "tea").get()).toMatchObject({ left: 7 });
  expect(await ask("POST", "order/o-1/pay")).toEqual({ status: "paid" });
  expect(await ask("GET", "orders")).toEqual([]);
  await until(() => mails.mock.calls.length === 1);
  expect(mails.mock.calls[0]?.at(2)).toBe("order o-1 is paid");
  await until(async () => (await shop.actor(stock, "tea").get()).reserved.length === 0);
  await until(async () => (await shop.actor(report).get()).today.length === 1);
  mails.mockRestore();
});

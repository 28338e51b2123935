// The pipeline under test: the answer is the last one's, and a repeated call is answered again, not done again.
import { testActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { prices, receipts, tills } from "./checkout.ts";

test("the last actor answers, once however often the call is repeated", async () => {
  await using system = await testActorSystem({ actors: [tills, prices, receipts] });
  const sales: unknown[] = [];
  system.subscribe("sales", ({ payload }) => sales.push(payload));
  const buy = () =>
    system.actor(tills).checkout({ article: "tea", count: 2 }, { idempotencyKey: "order-1" });

  expect(await buy()).toBe("#1: tea for 6");
  await system.crash();
  expect(await buy()).toBe("#1: tea for 6");

  await system.advance(10_000);
  expect((await system.actor(tills).get()).sold).toBe(2);
  expect(sales).toEqual([{ article: "tea", count: 2 }]);
});

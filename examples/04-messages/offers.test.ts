// Gathering under test: all answer, and one does not.
import { testActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { request, supplier } from "./offers.ts";

const actors = [request, supplier];

test("the best of all offers is taken as soon as the last one is there", async () => {
  await using system = await testActorSystem({ actors });
  for (const [name, price] of [
    ["a", 12],
    ["b", 9],
    ["c", 10],
  ] as const) {
    await system.actor(supplier, name).setPrice(price);
  }

  await system.actor(request, "r").ask(["a", "b", "c"]);
  await system.advance(10);

  expect((await system.actor(request, "r").get()).best).toEqual({ from: "b", price: 9 });
});

test("who does not answer is waited for until the time is over, also across a crash", async () => {
  await using system = await testActorSystem({ actors });
  await system.actor(supplier, "a").setPrice(12);

  await system.actor(request, "r").ask(["a", "silent"]);
  await system.crash();
  await system.advance(30_000);
  expect((await system.actor(request, "r").get()).best).toBeUndefined();
  await system.advance(60_000);

  expect((await system.actor(request, "r").get()).best).toEqual({ from: "a", price: 12 });
});

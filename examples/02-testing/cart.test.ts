// How to test actors: virtual time, and a crash in the middle.
import { settle } from "spawn-mesh";
import { testActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { cart } from "./cart.ts";

test("a closed cart takes no more items", async () => {
  await using system = await testActorSystem({ actors: [cart] });
  await system.actor(cart, "c-1").add("tea");
  await system.actor(cart, "c-1").close();

  const settled = await settle(system.actor(cart, "c-1").add("milk"));

  expect(settled).toMatchObject({ ok: false, failure: { code: "closed", data: { items: 1 } } });
});

test("what was acknowledged is there after a crash", async () => {
  await using system = await testActorSystem({ actors: [cart] });
  await system.actor(cart, "c-2").add("tea");

  await system.crash();

  expect(await system.actor(cart, "c-2").count()).toBe(1);
});

test("an idle cart leaves memory and comes back as it was", async () => {
  await using system = await testActorSystem({ actors: [cart] });
  await system.actor(cart, "c-3").add("tea");

  await system.advance(2 * 60_000);

  expect(system.events).toContainEqual(expect.objectContaining({ type: "deactivated" }));
  expect(await system.actor(cart, "c-3").get()).toEqual({ items: ["tea"], isClosed: false });
});

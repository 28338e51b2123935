// The saga under test: refused, and killed in the middle.
import { testActorSystem } from "spawn-mesh/testing";
import { expect, test } from "vitest";
import { stock, trip } from "./trip.ts";

const actors = [trip, stock];

test("a trip is booked when both are free", async () => {
  await using system = await testActorSystem({ actors });
  await system.actor(stock, "flight").fill(1);
  await system.actor(stock, "hotel").fill(1);

  await system.actor(trip, "to Rome").book();
  await system.advance(10);

  expect((await system.actor(trip, "to Rome").get()).status).toBe("booked");
});

test("what was reserved is given back when the rest is refused", async () => {
  await using system = await testActorSystem({ actors });
  await system.actor(stock, "flight").fill(1);

  await system.actor(trip, "to Rome").book();
  await system.advance(10);

  expect((await system.actor(trip, "to Rome").get()).status).toBe("cancelled");
  expect(await system.actor(stock, "flight").get()).toEqual({ left: 1 });
});

test("a crash after the first commit loses no step", async () => {
  await using system = await testActorSystem({ actors });
  await system.actor(stock, "flight").fill(1);
  await system.actor(stock, "hotel").fill(1);

  await system.actor(trip, "to Rome").book();
  await system.crash();
  await system.advance(20_000);

  expect((await system.actor(trip, "to Rome").get()).status).toBe("booked");
  expect(await system.messages.list()).toEqual([]);
});

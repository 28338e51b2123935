/** Actors of another system, called by typed references. */
import { actor } from "spawn-mesh";
import { expect, test } from "vitest";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { until } from "../fixtures/until.ts";
import { connectTo, failureOf, startBeside } from "./start-sidecar.ts";

const counter = actor("counter", {
  state: () => ({ total: 0 }),
  actions: { add: (ctx, value: number) => (ctx.state.total += value) },
});
const caller = actor("caller", {
  state: () => ({ sent: 0 }),
  actions: {
    ask: async (ctx, value: number) => await ctx.actor(counter).add(value, { system: "east" }),
    send(ctx, value: number): void {
      ctx.state.sent++;
      ctx.effect(counter).add(value, { system: "east" });
    },
  },
});

test("a typed reference calls and sends to the system that its options name", async () => {
  await using proxy = await startTestProxy();
  await using east = await startBeside(proxy, [counter], { name: "east" });
  await using west = await startBeside(proxy, [counter, caller], { name: "west" });
  await using spawn = connectTo(proxy, { system: "west" });
  expect(await west.actor(counter).add(1, { system: "east" })).toBe(1);
  expect(await spawn.actor(counter).add(1, { system: "east", deadlineMs: 5_000 })).toBe(2);
  expect(await spawn.actor(caller).ask(1)).toBe(3);
  expect(await east.actor(counter).get()).toEqual({ total: 3 });
  expect(await west.actor(counter).get()).toEqual({ total: 0 });
  expect(await west.actor(counter).get(undefined, { system: "east" })).toEqual({ total: 3 });
  await west.effect(counter).add(1, { system: "east" });
  await west.actor(caller).send(1);
  await until(async () => (await east.actor(counter).get()).total === 5);
  expect(await failureOf(west.actor(counter).add(1, { system: "north" }))).toBe(
    "ACTOR_NOT_FOUND no",
  );
  expect(await failureOf(west.actor(counter).add(1, { system: "" }))).toBe("INVALID_ARGUMENT no");
});

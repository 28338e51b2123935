/** Many calls at once beside a sidecar, and calls within calls. */
import { actor, connect } from "spawn-mesh";
import { expect, test } from "vitest";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { startBeside, urlOf } from "./start-sidecar.ts";

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    add(ctx, value: number) {
      ctx.state.total += value;
      return ctx.state.total;
    },
  },
});
const relay = actor("relay", {
  kind: "unnamed",
  actions: {
    add: async (ctx, to: string) => await ctx.actor(counter, to).add(1),
  },
});

test("a hot actor counts all of a thousand calls, in order of their answers", async () => {
  await using proxy = await startTestProxy();
  await using _system = await startBeside(proxy, [counter]);
  await using spawn = connect(urlOf(proxy.address), { system: "spawn-system" });
  const hot = spawn.actor(counter, "hot");
  const totals = await Promise.all(Array.from({ length: 1_000 }, () => hot.add(1)));
  expect(totals.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1));
});

test("calls within more calls than there are connections are made", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [counter, relay]);
  const calls = Array.from({ length: 600 }, (_, n) =>
    system.actor(relay, `r-${n}`).add(`c-${n % 10}`, { deadlineMs: 15_000 }),
  );
  await Promise.all(calls);
  expect(await system.actor(counter, "c-3").get()).toEqual({ total: 60 });
});

/** Many calls at once beside a sidecar, and calls within calls. */
import { setTimeout as sleep } from "node:timers/promises";
import { actor } from "spawn-mesh";
import { Kind } from "spawn-mesh/protocol";
import { expect, test } from "vitest";
import { counter as hosted, settings } from "../fixtures/counter.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { TestHost } from "../fixtures/test-host.ts";
import { until } from "../fixtures/until.ts";
import { connectTo, failureOf, startBeside } from "./start-sidecar.ts";

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
  await using spawn = connectTo(proxy, { system: "spawn-system" });
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

test("more listeners than there are connections keep no call waiting", async () => {
  await using proxy = await startTestProxy();
  await using system = await startBeside(proxy, [counter]);
  for (let n = 0; n < 300; n++) system.subscribe(`channel-${n}`, () => undefined);
  expect(await system.actor(counter, "quick").add(1, { deadlineMs: 10_000 })).toBe(1);
});

test("a call that waits for others to end can be given up, and was not applied", async () => {
  await using host = await TestHost.start({ sleep: () => sleep(2_000, {}) });
  await using proxy = await startTestProxy({
    USER_FUNCTION_PORT: `${host.port}`,
  });
  const sleeper = { settings: { ...settings, kind: Kind.UNNAMED }, actions: [{ name: "sleep" }] };
  await proxy.client.register([hosted("sleeper", sleeper)]);
  await using spawn = connectTo(proxy, { system: "spawn-system" });
  const call = { definition: "sleeper", action: "sleep" };
  const calls = Array.from({ length: 256 }, (_, n) => spawn.invoke(`s-${n}`, call));
  await until(() => host.requests.length === 256, 5_000);
  const signal = AbortSignal.timeout(50);
  const failed = failureOf(spawn.invoke("one-more", { ...call, signal }));
  expect(await Promise.race([failed, ...calls])).toBe("CANCELLED no");
  await Promise.all(calls);
});

/** Actions of SDKs that call other actors of their own host, more of them at once than the host runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { actor } from "spawn-mesh";
import { describe, expect, test } from "vitest";
import { counter } from "./fixtures/counter.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonIn, jsonPayload } from "./fixtures/values.ts";
import type { WireClient } from "./fixtures/wire-client.ts";
import { startBeside } from "./sidecar/start-sidecar.ts";

/** How many runs a host is asked for at once. */
const withPlaces = (places: number) => ({ PROXY_HTTP_CLIENT_ADAPTER_POOL_SIZE: `${places}` });

const names = (kind: string): readonly string[] =>
  Array.from({ length: 6 }, (_, index) => `${kind}-${index}`);

describe("actions that call other actors of their host", () => {
  test.each([
    [1, 2],
    [3, 4],
  ])(
    "do not wait for one another for ever, %i deep, when %i run at once",
    async (depth, places) => {
      const started = Promise.withResolvers<WireClient>();
      const ask: HostAction = async ({ actor }) => {
        const [, level = "", index = ""] = /^(\d)-(\d)$/.exec(actor!.name) ?? [];
        if (Number(level) === depth) return { payload: jsonPayload("done") };
        const client = await started.promise;
        const answer = await client.invoke(`${Number(level) + 1}-${index}`, "ask");
        return { payload: jsonPayload(jsonIn(answer)) };
      };
      await using t = await startWithHost({ ask }, withPlaces(places));
      started.resolve(t.client);
      const levels = Array.from({ length: depth + 1 }, (_, level) => names(`${level}`)).flat();
      await t.client.register(levels.map((name) => counter(name, { actions: [{ name: "ask" }] })));
      const asked = names("0").map(async (name) => jsonIn(await t.client.invoke(name, "ask")));
      expect(await Promise.all(asked)).toEqual(names("0").map(() => "done"));
    },
    20_000,
  );
});

/** An action that takes a while, and how many of it ran at once. */
function counted(): { readonly work: HostAction; readonly most: () => number } {
  let running = 0;
  let most = 0;
  return {
    async work() {
      most = Math.max(most, ++running);
      await sleep(100);
      running--;
      return {};
    },
    most: () => most,
  };
}

test("a host that has come since an action was begun elsewhere gets no run more while that waits", async () => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const asking = actor("asking", {
    state: () => ({}),
    actions: {
      async ask(ctx) {
        begun.resolve();
        await goOn.promise;
        await ctx.invoke("held", { action: "hold" });
      },
    },
  });
  const { work, most } = counted();
  await using proxy = await startTestProxy(withPlaces(1));
  await using system = await startBeside(proxy, [asking]);
  await using holder = await TestHost.start({
    async hold() {
      isHeld.resolve();
      await release.promise;
      return {};
    },
  });
  await proxy.client.register([counter("held", { actions: [{ name: "hold" }] })], holder);
  const asked = system.actor(asking).ask();
  await begun.promise;
  await using latest = await TestHost.start({ work });
  const workers = names("worker").map((name) => counter(name, { actions: [{ name: "work" }] }));
  const again = counter("asking", { actions: [{ name: "ask" }] });
  await proxy.client.register([again, ...workers], latest);
  goOn.resolve();
  await isHeld.promise;
  await Promise.all(names("worker").map((name) => proxy.client.invoke(name, "work")));
  expect(most()).toBe(1);
  release.resolve();
  await asked;
});

describe("a host that is slow", () => {
  test("is asked for no more at once than it may be, as long as it comes to an end with some", async () => {
    const { work, most } = counted();
    await using t = await startWithHost({ work }, withPlaces(2));
    const workers = names("worker");
    await t.client.register(workers.map((name) => counter(name, { actions: [{ name: "work" }] })));
    await Promise.all(workers.map((name) => t.client.invoke(name, "work")));
    expect(most()).toBe(2);
  });

  test("hears nothing of calls that were given up while they waited", async () => {
    let goOn = (): void => undefined;
    const hold = new Promise<void>((resolve) => (goOn = resolve));
    const work: HostAction = async () => {
      await hold;
      return {};
    };
    await using t = await startWithHost({ work }, withPlaces(1));
    const actions = [{ name: "work" }];
    await t.client.register([counter("first", { actions }), counter("second", { actions })]);
    const first = t.client.invoke("first", "work");
    await until(() => t.host.requests.length === 1);
    const impatient = { metadata: { "request-timeout": "50" } };
    const second = await t.client.invoke("second", "work", impatient);
    expect(second.headers["spawn-error"]).toBe("DEADLINE_EXCEEDED");
    goOn();
    expect((await first).http).toBe(200);
    expect(t.host.requests.length).toBe(1);
  });
});

/** Actions of SDKs that call other actors of their own host, more of them at once than the host runs. */
import { describe, expect, test } from "vitest";
import { counter } from "./fixtures/counter.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonIn, jsonPayload } from "./fixtures/values.ts";
import type { WireClient } from "./fixtures/wire-client.ts";

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

describe("a host that is slow", () => {
  test("is asked for no more at once than it may be, as long as it comes to an end with some", async () => {
    let running = 0;
    let most = 0;
    const work: HostAction = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 100));
      running--;
      return {};
    };
    await using t = await startWithHost({ work }, withPlaces(2));
    const workers = names("worker");
    await t.client.register(workers.map((name) => counter(name, { actions: [{ name: "work" }] })));
    await Promise.all(workers.map((name) => t.client.invoke(name, "work")));
    expect(most).toBe(2);
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

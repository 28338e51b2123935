/**
 * Proxy and host are killed while callers call: what was acknowledged is there, once, and so is what it
 * set off. Callers repeat what they did not hear of, with the key that it had.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Status } from "spawn-mesh/protocol";
import { expect, test } from "vitest";
import { add, counter } from "./fixtures/counter.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonIn, jsonPayload } from "./fixtures/values.ts";

const CALLERS = 8;
const CALLS_EACH = 25;
const KILLS = 2;

/** Adds, and has another actor add the same. */
const addTwice: HostAction = async (invocation) => {
  const payload = jsonPayload({ value: 1 });
  const request = { actor: { id: { name: "sink" } }, actionName: "add", payload };
  return { ...(await add(invocation)), workflow: { effects: [{ request }] } };
};

/** A host whose answers take a while, so that kills find them under way. */
function slowly(action: HostAction): HostAction {
  return async (invocation) => {
    await sleep(5);
    return await action(invocation);
  };
}

interface Total {
  readonly total: number;
}

test(
  "no acknowledged call is lost or doubled, and none of its effects",
  { timeout: 120_000 },
  async () => {
    await using files = scratch();
    await using host = await TestHost.start({ addTwice: slowly(addTwice), add: slowly(add) });
    const environment = {
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_DATABASE_NAME: files.path("state.db"),
    };
    const actors = [counter("source", { actions: [{ name: "addTwice" }] }), counter("sink")];
    let proxy = await ProxyProcess.start(environment);
    await proxy.client.register(actors);

    let acknowledged = 0;
    const callOnce = async (key: string): Promise<void> => {
      const call = {
        payload: jsonPayload({ value: 1 }),
        metadata: { "idempotency-key": key, "request-timeout": "2000" },
      };
      for (;;) {
        const answer = await proxy.client.invoke("source", "addTwice", call).catch(() => undefined);
        if (answer?.status?.status === Status.OK) return void acknowledged++;
        await sleep(20);
      }
    };
    const caller = async (number: number): Promise<void> => {
      for (let call = 0; call < CALLS_EACH; call++) await callOnce(`${number} ${call}`);
    };
    const calling = Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)));

    for (let kill = 0; kill < KILLS; kill++) {
      const before = acknowledged;
      await until(() => acknowledged > before + 10, 20_000);
      await proxy.kill("SIGKILL");
      // The host has registered once, as SDKs do.
      proxy = await ProxyProcess.start(environment);
      await sleep(100);
      await host.kill();
      await sleep(50);
      await host.listen();
    }
    await calling;

    const total = async (name: string): Promise<number> =>
      (jsonIn(await proxy.client.invoke(name, "get")) as Total).total;
    expect(acknowledged).toBe(CALLERS * CALLS_EACH);
    expect(await total("source")).toBe(CALLERS * CALLS_EACH);
    await until(async () => (await total("sink")) === CALLERS * CALLS_EACH, 40_000);
    await sleep(200);
    expect(await total("sink")).toBe(CALLERS * CALLS_EACH);
    await proxy[Symbol.asyncDispose]();
  },
);

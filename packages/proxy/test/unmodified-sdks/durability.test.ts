/** What is kept when a proxy ends, however it does. */
import { describe, expect, test } from "vitest";
import { add, counter, one } from "../fixtures/counter.ts";
import { ProxyProcess, scratch } from "../fixtures/proxy-process.ts";
import { TestHost } from "../fixtures/test-host.ts";
import type { HostAction } from "../fixtures/test-host.ts";
import { jsonIn } from "../fixtures/values.ts";

/** A host, and two lives of a proxy beside it, in each of which the counter is registered. */
async function lives(action: HostAction, durability: "durable" | "write-behind") {
  const host = await TestHost.start({ add: action });
  const files = scratch();
  return {
    async start(): Promise<ProxyProcess> {
      const proxy = await ProxyProcess.start({
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
        SPAWN_DURABILITY: durability,
      });
      await proxy.client.register([counter("incrementor")]);
      return proxy;
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

async function totalAfterOneMore({ client }: ProxyProcess): Promise<unknown> {
  return jsonIn(await client.invoke("incrementor", "add", one));
}

describe("what is kept", { timeout: 60_000 }, () => {
  test("a call that was answered is stored: the proxy can be killed", async () => {
    await using t = await lives(add, "durable");
    {
      await using proxy = await t.start();
      await proxy.client.invoke("incrementor", "add", one);
      await proxy.client.invoke("incrementor", "add", one);
      await proxy.kill("SIGKILL");
    }
    await using proxy = await t.start();
    expect(await totalAfterOneMore(proxy)).toEqual({ total: 3 });
  });

  test("write-behind states are stored when the proxy is told to end", async () => {
    await using t = await lives(add, "write-behind");
    {
      await using proxy = await t.start();
      await proxy.client.invoke("incrementor", "add", one);
      expect(await proxy.kill("SIGTERM")).toBe(0);
    }
    await using proxy = await t.start();
    expect(await totalAfterOneMore(proxy)).toEqual({ total: 2 });
  });

  test("a checkpoint is stored before it is answered, and answered well", async () => {
    const addAndStore: HostAction = async (call) => ({ ...(await add(call)), checkpoint: true });
    await using t = await lives(addAndStore, "write-behind");
    {
      await using proxy = await t.start();
      expect(await totalAfterOneMore(proxy)).toEqual({ total: 1 });
      await proxy.kill("SIGKILL");
    }
    await using proxy = await t.start();
    expect(jsonIn(await proxy.client.invoke("incrementor", "get"))).toEqual({ total: 1 });
  });
});

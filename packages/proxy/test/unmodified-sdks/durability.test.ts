/** What is kept when a proxy ends, however it does. */
import { describe, expect, test } from "vitest";
import { add, counter, one } from "../fixtures/counter.ts";
import { ProxyProcess, scratch } from "../fixtures/proxy-process.ts";
import { TestHost } from "../fixtures/test-host.ts";
import { jsonIn } from "../fixtures/values.ts";

describe("what is kept", () => {
  test(
    "a call that was answered is stored: the proxy can be killed",
    { timeout: 60_000 },
    async () => {
      await using host = await TestHost.start({ add });
      await using files = scratch();
      const environment = {
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
      };
      {
        await using proxy = await ProxyProcess.start(environment);
        await proxy.client.register([counter("incrementor")]);
        await proxy.client.invoke("incrementor", "add", one);
        await proxy.client.invoke("incrementor", "add", one);
        await proxy.kill("SIGKILL");
      }
      await using proxy = await ProxyProcess.start(environment);
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total: 3 });
    },
  );

  test(
    "write-behind states are stored when the proxy is told to end",
    { timeout: 60_000 },
    async () => {
      await using host = await TestHost.start({ add });
      await using files = scratch();
      const environment = {
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
        SPAWN_DURABILITY: "write-behind",
      };
      {
        await using proxy = await ProxyProcess.start(environment);
        await proxy.client.register([counter("incrementor")]);
        await proxy.client.invoke("incrementor", "add", one);
        expect(await proxy.kill("SIGTERM")).toBe(0);
      }
      await using proxy = await ProxyProcess.start(environment);
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
    },
  );

  test(
    "a checkpoint is stored before it is answered, and answered well",
    { timeout: 60_000 },
    async () => {
      await using host = await TestHost.start({
        add: async (call) => ({ ...(await add(call)), checkpoint: true }),
      });
      await using files = scratch();
      const environment = {
        USER_FUNCTION_PORT: `${host.port}`,
        PROXY_DATABASE_NAME: files.path("state.db"),
        SPAWN_DURABILITY: "write-behind",
      };
      {
        await using proxy = await ProxyProcess.start(environment);
        await proxy.client.register([counter("incrementor")]);
        expect(jsonIn(await proxy.client.invoke("incrementor", "add", one))).toEqual({ total: 1 });
        await proxy.kill("SIGKILL");
      }
      await using proxy = await ProxyProcess.start(environment);
      await proxy.client.register([counter("incrementor")]);
      expect(jsonIn(await proxy.client.invoke("incrementor", "get"))).toEqual({ total: 1 });
    },
  );
});

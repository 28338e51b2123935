/** A host registers, and its actors are called: through the socket of a running proxy. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Status } from "spawn-mesh/protocol";
import { afterAll, describe, expect, test } from "vitest";
import { add, counter } from "./fixtures/counter.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import { jsonIn, jsonPayload } from "./fixtures/values.ts";

const directory = mkdtempSync(join(tmpdir(), "spawn-proxy-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a registered actor", () => {
  test("answers calls, one after the other, with its state", async () => {
    await using host = await TestHost.start({ add });
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    const registered = await proxy.client.register([counter("incrementor")]);
    expect(registered.status).toMatchObject({ status: Status.OK, message: "Accepted" });
    expect(registered.proxyInfo).toMatchObject({ protocolMajorVersion: 1, proxyName: "spawn" });
    const first = await proxy.client.invoke("incrementor", "add", {
      payload: jsonPayload({ value: 1 }),
    });
    expect(first.status?.status).toBe(Status.OK);
    expect(jsonIn(first)).toEqual({ total: 1 });
    const second = await proxy.client.invoke("incrementor", "add", {
      payload: jsonPayload({ value: 5 }),
    });
    expect(jsonIn(second)).toEqual({ total: 6 });
  });

  test("has its state after the proxy was stopped and started again", async () => {
    await using host = await TestHost.start({ add });
    const environment = {
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_DATABASE_TYPE: "sqlite",
      PROXY_DATABASE_NAME: join(directory, "restart.db"),
    };
    {
      await using proxy = await startTestProxy(environment);
      await proxy.client.register([counter("incrementor")]);
      await proxy.client.invoke("incrementor", "add", { payload: jsonPayload({ value: 1 }) });
    }
    await using proxy = await startTestProxy(environment);
    await proxy.client.register([counter("incrementor")]);
    const answer = await proxy.client.invoke("incrementor", "add", {
      payload: jsonPayload({ value: 5 }),
    });
    expect(jsonIn(answer)).toEqual({ total: 6 });
  });
});

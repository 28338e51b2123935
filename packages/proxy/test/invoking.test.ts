/** A host registers, and its actors are called: through the socket of a running proxy. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actor, actorSystem } from "spawn-mesh";
import { Kind, Status } from "spawn-mesh/protocol";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { add, counter, settings } from "./fixtures/counter.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import { json, jsonIn, jsonPayload } from "./fixtures/values.ts";

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

  test("is there when the proxy starts again beside a host that goes on", async () => {
    await using host = await TestHost.start({ add });
    await using second = await TestHost.start({ add });
    const environment = {
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_DATABASE_TYPE: "sqlite",
      PROXY_DATABASE_NAME: join(directory, "beside.db"),
    };
    const one = { payload: jsonPayload({ value: 1 }) };
    const onMars = { ...one, system: { name: "mars" }, actor: { id: { name: "rover" } } };
    {
      await using proxy = await startTestProxy(environment);
      const { client } = proxy;
      await client.register([counter("incrementor")]);
      await client.register([counter("other", { state: { state: json({ total: 5 }, "spawn") } })], {
        port: second.port,
      });
      const user = { ...settings, kind: Kind.UNNAMED };
      await client.register([counter("user", { settings: user })]);
      await client.spawn([{ name: "ann", parent: "user" }]);
      await client.register([counter("rover", { id: { name: "rover" } })], { system: "mars" });
      for (const name of ["incrementor", "ann"]) await client.invoke(name, "add", one);
      await client.invoke("rover", "add", onMars);
    }
    await using proxy = await startTestProxy(environment);
    for (const name of ["incrementor", "ann"]) {
      expect(jsonIn(await proxy.client.invoke(name, "add", one))).toEqual({ total: 2 });
    }
    expect(jsonIn(await proxy.client.invoke("rover", "add", onMars))).toEqual({ total: 2 });
    expect(jsonIn(await proxy.client.invoke("other", "add", one))).toEqual({ total: 6 });
    const { invocation } = second.requests.at(-1)!;
    expect(invocation.currentContext?.state?.typeUrl).toBe("type.googleapis.com/spawn.JSONType");
  });

  test("reads what TypeScript wrote, and the other way round: they are one actor", async () => {
    await using host = await TestHost.start({ add });
    const file = join(directory, "both.db");
    const environment = {
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_DATABASE_TYPE: "sqlite",
      PROXY_DATABASE_NAME: file,
    };
    const hosted = async (value: number): Promise<unknown> => {
      await using proxy = await startTestProxy(environment);
      await proxy.client.register([counter("incrementor")]);
      const payload = jsonPayload({ value });
      return jsonIn(await proxy.client.invoke("incrementor", "add", { payload }));
    };
    const embedded = async (value: number): Promise<unknown> => {
      const incrementor = actor("incrementor", {
        state: () => ({ total: 0 }),
        actions: {
          add(ctx, { value: added }: { value: number }) {
            ctx.state.total += added;
            return { total: ctx.state.total };
          },
        },
      });
      await using system = actorSystem("spawn-system", {
        actors: [incrementor],
        statestore: sqliteStatestore({ file }),
        handleSignals: false,
      });
      await system.start();
      return await system.actor(incrementor).add({ value });
    };
    expect(await embedded(1)).toEqual({ total: 1 });
    expect(await hosted(5)).toEqual({ total: 6 });
    expect(await embedded(10)).toEqual({ total: 16 });
  });

  test("of the kind task runs as a named one", async () => {
    await using host = await TestHost.start({ add });
    await using proxy = await startTestProxy({ USER_FUNCTION_PORT: `${host.port}` });
    const task = { ...settings, kind: Kind.TASK };
    await proxy.client.register([counter("worker", { settings: task })]);
    const payload = jsonPayload({ value: 1 });
    for (const total of [1, 2]) {
      expect(jsonIn(await proxy.client.invoke("worker", "add", { payload }))).toEqual({ total });
    }
  });
});

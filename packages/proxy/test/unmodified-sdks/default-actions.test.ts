/** Actions that every actor has without having declared them. */
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { json, jsonIn, jsonPayload } from "../fixtures/values.ts";

describe("default actions", () => {
  test("are answered by the proxy, with the registered state before the first call", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor", { state: { state: json({ total: 41 }) } })]);
    for (const action of ["get", "Get", "get_state", "getState", "GetState"]) {
      expect(jsonIn(await t.client.invoke("incrementor", action))).toEqual({ total: 41 });
    }
    expect(t.host.requests).toHaveLength(0);
    await t.client.invoke("incrementor", "add", one);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 42 });
  });

  test("go to the host, all of them, when it registers one of them", async () => {
    await using t = await startWithHost({
      get: () => ({ payload: jsonPayload("own") }),
      GetState: () => ({ payload: jsonPayload("own too") }),
    });
    await t.client.register([counter("own", { actions: [{ name: "get" }] })]);
    expect(jsonIn(await t.client.invoke("own", "get"))).toBe("own");
    expect(jsonIn(await t.client.invoke("own", "GetState"))).toBe("own too");
  });

  test("answer nothing when there is no state", async () => {
    await using t = await startWithHost({});
    await t.client.register([counter("none", { state: {} })]);
    const answer = await t.client.invoke("none", "get");
    expect([answer.status?.status, answer.payload.case]).toEqual([Status.OK, undefined]);
  });

  test("answer the state in memory of an actor that is not stored", async () => {
    await using t = await startWithHost();
    const stateless = { ...settings, stateful: false };
    await t.client.register([counter("light", { settings: stateless })]);
    expect(jsonIn(await t.client.invoke("light", "get"))).toEqual({ total: 0 });
    await t.client.invoke("light", "add", one);
    expect(jsonIn(await t.client.invoke("light", "add", one))).toEqual({ total: 2 });
    expect(jsonIn(await t.client.invoke("light", "get"))).toEqual({ total: 2 });
  });
});

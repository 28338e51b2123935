/** What a host is asked, and how: hosts read what comes in one piece, and keep to the letter. */
import { setTimeout as sleep } from "node:timers/promises";
import { Kind, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";
import { json, jsonIn, jsonPayload } from "../fixtures/values.ts";

describe("the request to a host", () => {
  test("is one write with its length, to the exact path, with the exact type", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    await t.client.invoke("incrementor", "add", one);
    for (const { path, headers, body, chunks } of t.host.requests) {
      expect(path).toBe("/api/v1/actors/actions");
      expect(headers["content-type"]).toBe("application/octet-stream");
      expect(headers["content-length"]).toBe(`${body.length}`);
      expect(headers.connection).toBe("keep-alive");
      expect(chunks).toBe(1);
    }
  });

  test("connections that nobody uses are closed within a good second", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    expect(await t.host.connections()).toBe(1);
    await until(async () => (await t.host.connections()) === 0, 2_500);
  });
});

describe("the beginning of an actor", () => {
  test("init runs at every activation, after the load, before anything else", async () => {
    await using t = await startWithHost({
      Init: ({ currentContext }) => ({
        updatedContext: { ...currentContext!, state: json({ total: 100 }) },
        payload: jsonPayload("ignored"),
      }),
      add,
    });
    const actions = [{ name: "Init" }, { name: "add" }];
    await t.client.register([counter("beginner", { actions, state: {} })]);
    expect(jsonIn(await t.client.invoke("beginner", "add", one))).toEqual({ total: 101 });
    const [init] = t.host.requests;
    expect(init?.invocation).toMatchObject({ actionName: "Init", payload: { case: "noop" } });
    expect(init?.invocation.caller?.name).toBe("beginner");
    expect(init?.invocation.currentContext?.state).toBeUndefined();
  });
});

describe("pooled actors", () => {
  test("run several actions at once", async () => {
    let running = 0;
    let most = 0;
    await using t = await startWithHost({
      async work() {
        most = Math.max(most, ++running);
        await sleep(50);
        running--;
        return {};
      },
    });
    const pooled = { ...settings, kind: Kind.POOLED, minPoolSize: 1, maxPoolSize: 3 };
    await t.client.register([counter("pool", { settings: pooled, actions: [{ name: "work" }] })]);
    const calls = Array.from({ length: 6 }, () =>
      t.client.invoke("pool", "work", { pooled: true }),
    );
    for (const { status } of await Promise.all(calls)) expect(status?.status).toBe(Status.OK);
    expect(most).toBe(3);
  });
});

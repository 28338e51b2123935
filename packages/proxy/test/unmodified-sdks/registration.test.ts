/** Hosts register their actors, as often as they like. */
import { setTimeout as sleep } from "node:timers/promises";
import { Kind, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { TestHost } from "../fixtures/test-host.ts";
import { until } from "../fixtures/until.ts";
import { jsonIn } from "../fixtures/values.ts";

describe("registration", () => {
  test("is answered with Accepted, again and again, and adds and replaces actors", async () => {
    await using t = await startWithHost({ add, sub: add });
    for (const name of ["first", "first", "second"]) {
      const { status, proxyInfo } = await t.client.register([counter(name)]);
      expect(status).toMatchObject({ status: Status.OK, message: "Accepted" });
      expect(proxyInfo?.protocolMajorVersion).toBe(1);
    }
    expect((await t.client.invoke("first", "sub", one)).status?.status).toBe(Status.ERROR);
    await t.client.register([counter("first", { actions: [{ name: "add" }, { name: "sub" }] })]);
    expect(jsonIn(await t.client.invoke("first", "sub", one))).toEqual({ total: 1 });
    expect(jsonIn(await t.client.invoke("second", "add", one))).toEqual({ total: 1 });
  });

  test("of an actor with another kind takes the place of one that is alive", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("changing")]);
    await t.client.invoke("changing", "add", one);
    const pooled = { ...settings, kind: Kind.POOLED, minPoolSize: 1, maxPoolSize: 2 };
    const { status } = await t.client.register([counter("changing", { settings: pooled })]);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await t.client.invoke("changing", "add", one))).toEqual({ total: 1 });
    await t.client.register([counter("changing")]);
    expect(jsonIn(await t.client.invoke("changing", "add", one))).toEqual({ total: 2 });
  });
});

test("two that wait at the same time for an actor to come to its end both have it then", async () => {
  const goOn = Promise.withResolvers<void>();
  await using t = await startWithHost({ add, wait: () => goOn.promise.then(() => ({})) });
  await using other = await TestHost.start({ add });
  const actions = [{ name: "add" }, { name: "wait" }];
  await t.client.register([counter("changing", { actions })]);
  const waiting = t.client.invoke("changing", "wait");
  await until(() => t.host.requests.length === 1);
  const pooled = { ...settings, kind: Kind.POOLED, minPoolSize: 1, maxPoolSize: 2 };
  const registering = [other, t.host].map(({ port }) =>
    t.client.register([counter("changing", { settings: pooled })], { port }),
  );
  await sleep(100);
  goOn.resolve();
  await Promise.all([waiting, ...registering]);
  const { body } = await t.client.send("GET", "/api/v1/system/spawn-system/registrations");
  expect(JSON.parse(body.toString())).toMatchObject({
    registrations: [{ name: "changing", kind: "pooled", hosts: { length: 2 } }],
  });
});

describe("a registration that is refused", () => {
  test("says that there are no projections yet, and none of it is taken", async () => {
    await using t = await startWithHost();
    const projection = counter("view", { settings: { ...settings, kind: Kind.PROJECTION } });
    const { status, http } = await t.client.register([counter("good"), projection]);
    expect([http, status?.status]).toEqual([400, Status.ERROR]);
    expect(status?.message).toContain("projection");
    expect((await t.client.invoke("good", "add", one)).status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});

describe("every system that is registered is local", () => {
  test("two systems are two worlds, which send messages to one another", async () => {
    await using t = await startWithHost({
      add,
      send: () => ({
        workflow: {
          effects: [
            {
              request: {
                system: { name: "mars" },
                actor: { id: { name: "rover" } },
                actionName: "add",
                ...one,
              },
            },
          ],
        },
      }),
    });
    await t.client.register([counter("rover", { id: { name: "rover", system: "mars" } })], {
      system: "mars",
    });
    await t.client.register([counter("earth", { actions: [{ name: "send" }] })]);
    await t.client.invoke("earth", "send");
    const get = { system: { name: "mars" }, actor: { id: { name: "rover", system: "mars" } } };
    await until(async () => {
      const state = jsonIn(await t.client.invoke("rover", "get", get)) as { total: number };
      return state.total === 1;
    });
    expect((await t.client.invoke("rover", "get")).status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});

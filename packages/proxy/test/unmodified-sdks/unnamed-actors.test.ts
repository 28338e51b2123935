/** Actors that are spawned from a registered one. */
import { setTimeout as sleep } from "node:timers/promises";
import { Kind, Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter, one, settings } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { json, jsonIn } from "../fixtures/values.ts";

describe("unnamed actors", () => {
  const user = counter("user", {
    settings: { ...settings, kind: Kind.UNNAMED },
    state: { state: json({ total: 0 }) },
  });

  test("have instances by spawning, each with its own state and its base as parent", async () => {
    await using t = await startWithHost();
    await t.client.register([user]);
    const { status } = await t.client.spawn([
      { name: "ann", parent: "user" },
      { name: "bob", parent: "user" },
    ]);
    expect(status).toMatchObject({ status: Status.OK, message: "Accepted" });
    await t.client.spawn([{ name: "ann", parent: "user" }]);
    expect(t.host.requests).toHaveLength(0);
    await t.client.invoke("ann", "add", one);
    expect(jsonIn(await t.client.invoke("ann", "add", one))).toEqual({ total: 2 });
    expect(jsonIn(await t.client.invoke("bob", "add", one))).toEqual({ total: 1 });
    const id = { name: "ann", system: "spawn-system", parent: "user" };
    expect(t.host.requests[0]?.invocation.actor).toMatchObject(id);
    expect(t.host.requests[0]?.invocation.currentContext?.self).toMatchObject(id);
  });

  test("have instances by register_ref, at the first call", async () => {
    await using t = await startWithHost();
    await t.client.register([user]);
    const spawning = { ...one, registerRef: "user" };
    expect(jsonIn(await t.client.invoke("eve", "add", spawning))).toEqual({ total: 1 });
    expect(jsonIn(await t.client.invoke("eve", "add", one))).toEqual({ total: 2 });
    const unknown = await t.client.invoke("mallory", "add", one);
    expect(unknown.status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });

  test("are not asked for by a register_ref that is the actor's own name", async () => {
    await using t = await startWithHost();
    await t.client.register([user, counter("incrementor")]);
    const call = { ...one, registerRef: "incrementor" };
    expect(jsonIn(await t.client.invoke("incrementor", "add", call))).toEqual({ total: 1 });
    await t.client.spawn([{ name: "ann", parent: "user" }]);
    const ofInstance = { ...one, registerRef: "ann" };
    expect(jsonIn(await t.client.invoke("ann", "add", ofInstance))).toEqual({ total: 1 });
  });

  test("cannot be spawned from an actor that is not there, or is no unnamed one", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    const missing = await t.client.spawn([{ name: "ann", parent: "user" }]);
    expect([missing.http, missing.status?.status]).toEqual([404, Status.ACTOR_NOT_FOUND]);
    const named = await t.client.spawn([{ name: "ann", parent: "incrementor" }]);
    expect([named.http, named.status?.status]).toEqual([400, Status.ERROR]);
  });

  test("begin at a kept revision when they are spawned with one", async () => {
    await using t = await startWithHost();
    const often = { strategy: { case: "timeout" as const, value: { timeout: 1n } } };
    const kept = { ...settings, kind: Kind.UNNAMED, snapshotStrategy: often };
    await t.client.register([counter("user", { settings: kept })]);
    await t.client.spawn([{ name: "ann", parent: "user" }]);
    for (let call = 0; call < 3; call++) {
      await t.client.invoke("ann", "add", one);
      await sleep(5);
    }
    const { status } = await t.client.spawn([{ name: "ann", parent: "user" }], "?revision=1");
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await t.client.invoke("ann", "get"))).toEqual({ total: 1 });
    const wrong = await t.client.spawn([{ name: "ann", parent: "user" }], "?revision=99");
    expect([wrong.http, wrong.status?.status]).toEqual([400, Status.ERROR]);
    const none = await t.client.spawn([{ name: "ann", parent: "user" }], "?revision=soon");
    expect([none.http, none.status?.status]).toEqual([400, Status.ERROR]);
  });

  test("are spawned a thousand at a time at the most", async () => {
    await using t = await startWithHost();
    await t.client.register([user]);
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `ann-${index}`, parent: "user" }));
    expect((await t.client.spawn(many(1_000))).http).toBe(200);
    const { status, headers } = await t.client.spawn(many(1_001));
    expect(headers["spawn-error"]).toBe("INVALID_ARGUMENT");
    expect(status?.message).toContain("expected at most 1000 actors at once, got 1001");
  });
});

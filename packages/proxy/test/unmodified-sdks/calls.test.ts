/** Calls of every kind, and what is answered when one cannot be made. */
import { setTimeout as sleep } from "node:timers/promises";
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { add, counter, one } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { jsonIn, jsonPayload } from "../fixtures/values.ts";

describe("a call", () => {
  test("of an action that the actor does not have is an error with a message, at once, and the host is not asked", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    const answer = await t.client.invoke("incrementor", "subtract", one);
    expect(answer.status?.status).toBe(Status.ERROR);
    expect(answer.status?.message).toContain("Action [subtract] not found for Actor [incrementor]");
    expect(answer.http).toBe(404);
    expect(t.host.requests).toHaveLength(0);
  });

  test("of an actor that nobody has registered is an error with a message, at once", async () => {
    await using t = await startWithHost();
    const began = performance.now();
    const answer = await t.client.invoke("nobody", "add", one);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(answer.status).toMatchObject({ status: Status.ACTOR_NOT_FOUND });
    expect(answer.status?.message).toContain("Actor nobody not found on ActorSystem spawn-system");
    expect(answer.http).toBe(404);
    const elsewhere = {
      ...one,
      system: { name: "mars" },
      actor: { id: { name: "x", system: "mars" } },
    };
    const far = await t.client.invoke("x", "add", elsewhere);
    expect(far.status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });
});

describe("asynchronous calls", () => {
  test("are accepted at once without a payload, and seen by the next call", async () => {
    let isDone = false;
    await using t = await startWithHost({
      async add(invocation) {
        await sleep(100);
        isDone = true;
        return add(invocation);
      },
    });
    await t.client.register([counter("incrementor")]);
    const accepted = await t.client.invoke("incrementor", "add", { ...one, async: true });
    expect(isDone).toBe(false);
    expect([accepted.status?.status, accepted.payload.case]).toEqual([Status.OK, undefined]);
    expect(jsonIn(await t.client.invoke("incrementor", "get"))).toEqual({ total: 1 });
  });
});

describe("calls with options", () => {
  test("a key makes a call once, however often it comes", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    const once = { ...one, metadata: { "idempotency-key": "k1" } };
    for (let call = 0; call < 3; call++) {
      expect(jsonIn(await t.client.invoke("incrementor", "add", once))).toEqual({ total: 1 });
    }
    const other = { ...once, payload: jsonPayload({ value: 2 }) };
    const conflict = await t.client.invoke("incrementor", "add", other);
    expect(conflict.headers["spawn-error"]).toBe("IDEMPOTENCY_CONFLICT");
    expect(t.host.requests).toHaveLength(1);
  });

  test("metadata reaches the action, and says how long the caller waits", async () => {
    await using t = await startWithHost({
      add,
      slow: async () => sleep(60_000, {}, { ref: false }),
    });
    const actions = [{ name: "add" }, { name: "slow" }];
    await t.client.register([counter("incrementor", { actions })]);
    await t.client.invoke("incrementor", "add", { ...one, metadata: { who: "me" } });
    expect(t.host.requests[0]?.invocation.currentContext?.metadata).toEqual({ who: "me" });
    const began = performance.now();
    const hurried = { metadata: { "request-timeout": "100" } };
    const late = await t.client.invoke("incrementor", "slow", hurried);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(late.headers).toMatchObject({
      "spawn-error": "DEADLINE_EXCEEDED",
      "spawn-applied": "no",
    });
    expect(jsonIn(await t.client.invoke("incrementor", "add", one))).toEqual({ total: 2 });
    const soon = await t.client.invoke("incrementor", "add", {
      metadata: { "request-timeout": "soon" },
    });
    expect(soon.headers["spawn-error"]).toBe("INVALID_ARGUMENT");
  });
});

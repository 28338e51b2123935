/** Actors as gRPC services, through the sockets of a proxy and a host. */
import { status } from "@grpc/grpc-js";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { opaque, json } from "./fixtures/values.ts";
import { startShop } from "./fixtures/shop-proxy.ts";
import type { Shop } from "./fixtures/shop-proxy.ts";
import { shopMethod } from "./fixtures/shop.ts";

const add = shopMethod("Incrementor", "Add");
const addAll = shopMethod("Incrementor", "AddAll");
const addEach = shopMethod("Incrementor", "AddEach");
const current = shopMethod("Incrementor", "Current");
const put = shopMethod("Cart", "Put");
const show = shopMethod("Cart", "Show");

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(async () => await shop[Symbol.asyncDispose]());

const totalNow = async (): Promise<number> =>
  Number((await shop.grpc.call(current, {}))["total"] ?? 0);

describe("a service with the actor option", () => {
  test("is the actor of its name, and keeps its state", async () => {
    const before = await totalNow();
    expect(await shop.grpc.call(add, { value: 1 })).toEqual({ total: `${before + 1}` });
    expect(await shop.grpc.call(add, { value: 5 })).toEqual({ total: `${before + 6}` });
  });

  test("gives the host the bytes of the message as they came, unknown fields included", async () => {
    // value = 0, and a field 100 that only the client knows.
    const bytes = Buffer.from("a2060141", "hex");
    await shop.grpc.callWithBytes(add, bytes);
    const payload = shop.host.requests.at(-1)?.invocation.payload;
    expect(payload?.value).toMatchObject({ typeUrl: "type.googleapis.com/shop.Amount" });
    expect(payload?.case === "value" && Buffer.from(payload.value.value)).toEqual(bytes);
  });

  test("of an unnamed actor has an instance for every value of its actor_id", async () => {
    await shop.grpc.call(put, { user: "joe", item: { name: "tea", count: 2 } });
    await shop.grpc.call(put, { user: "ann", item: { name: "milk", count: 1 } });
    expect(await shop.grpc.call(show, { user: "joe" })).toEqual({
      items: [{ name: "tea", count: 2 }],
    });
    expect(shop.host.requests.at(-1)?.invocation.actor).toMatchObject({
      name: "joe",
      parent: "Cart",
    });
    expect(await shop.grpc.call(show, { user: "eve" })).toEqual({});
  });

  test("of an unnamed actor refuses a message that names no instance", async () => {
    await expect(shop.grpc.call(show, {})).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining("user of shop.ShowRequest is empty"),
      trailers: { "spawn-error": "INVALID_ARGUMENT", "spawn-applied": "no" },
    });
  });
});

describe("streams", () => {
  test("of a client are one call for each message in order, answered by the last", async () => {
    const before = await totalNow();
    const reply = await shop.grpc.stream(addAll, [{ value: 1 }, { value: 2 }, { value: 3 }]);
    expect(reply).toEqual({ total: `${before + 6}` });
    expect(await totalNow()).toBe(before + 6);
  });

  test("of a client without a message have nothing that could be answered", async () => {
    await expect(shop.grpc.stream(addAll, [])).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  test("in both directions answer each message, in order", async () => {
    const before = await totalNow();
    const requests = Array.from({ length: 200 }, (): JsonObject => ({ value: 1 }));
    const { replies, failure } = await shop.grpc.exchange(addEach, requests);
    expect(failure).toBeUndefined();
    expect(replies).toEqual(requests.map((_, at) => ({ total: `${before + at + 1}` })));
  });

  test("without messages end", async () => {
    expect(await shop.grpc.exchange(addEach, [])).toEqual({ replies: [] });
  });

  test("that are sent again with their key are done once, message by message", async () => {
    const before = await totalNow();
    const headers = { "idempotency-key": "stream-1" };
    const requests = [{ value: 1 }, { value: 1 }, { value: 1 }];
    const first = await shop.grpc.exchange(addEach, requests, { headers });
    expect(first.replies).toEqual([1, 2, 3].map((added) => ({ total: `${before + added}` })));
    const again = await shop.grpc.exchange(addEach, [...requests, { value: 4 }], { headers });
    expect(again.replies).toEqual([...first.replies, { total: `${before + 7}` }]);
  });

  test("end with the first failure, and what came before is answered and stays", async () => {
    await using broken = await startShop({
      AddEach: (invocation) => {
        calls += 1;
        if (calls === 3) throw new Error("no more");
        return { payload: { case: "noop", value: {} }, updatedContext: invocation.currentContext! };
      },
    });
    let calls = 0;
    const requests = [1, 2, 3, 4, 5].map((value) => ({ value }));
    const { replies, failure } = await broken.grpc.exchange(addEach, requests);
    expect(replies).toEqual([{}, {}]);
    expect(failure).toMatchObject({ trailers: { "spawn-error": "ACTION_FAILED" } });
    expect(calls).toBe(3);
  });

  test("of a server are not served", async () => {
    const { replies, failure } = await shop.grpc.exchange(shopMethod("Incrementor", "Watch"), [{}]);
    expect(replies).toEqual([]);
    expect(failure).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: "shop.Incrementor.Watch: server streams are not served",
    });
  });
});

describe("a call that fails", () => {
  test("says that nobody has registered the actor", async () => {
    await expect(shop.grpc.call(shopMethod("Unregistered", "Do"), {})).rejects.toMatchObject({
      code: status.NOT_FOUND,
      trailers: { "spawn-error": "ACTOR_NOT_FOUND" },
    });
  });

  test("says that the actor has no such action", async () => {
    await expect(
      shop.grpc.call(shopMethod("Cart", "Empty"), { user: "joe" }),
    ).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      trailers: { "spawn-error": "ACTION_NOT_FOUND" },
    });
  });

  test("says that the message is none", async () => {
    for (const hex of ["08", "0aff", "ffffffffffffffffff01", "7b".repeat(10_000)]) {
      await expect(shop.grpc.callWithBytes(add, Buffer.from(hex, "hex"))).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      });
    }
  });

  test("says that the message is too large", async () => {
    await using small = await startShop({}, { SPAWN_BODY_BYTES_MAX: "1024" });
    const item = { name: "x".repeat(2_000) };
    await expect(small.grpc.call(put, { user: "joe", item })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    expect(await small.grpc.call(put, { user: "joe", item: { name: "x" } })).toEqual({
      items: [{ name: "x" }],
    });
  });

  test("leaves the state as it was when the host fails", async () => {
    await using broken = await startShop({
      Add: () => {
        throw new Error("broken");
      },
    });
    await expect(broken.grpc.call(add, { value: 1 })).rejects.toMatchObject({
      code: status.UNKNOWN,
      trailers: { "spawn-error": "ACTION_FAILED", "spawn-applied": "no" },
    });
    expect(await broken.grpc.call(current, {})).toEqual({});
  });

  test("says when the host is not there", async () => {
    await using lonely = await startShop();
    await lonely.host.kill();
    await expect(lonely.grpc.call(add, { value: 1 })).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      trailers: { "spawn-error": "HOST_UNAVAILABLE", "spawn-applied": "no" },
    });
  });
});

describe("a reply", () => {
  const replying = (payload: unknown) => ({ Current: () => ({ payload }) as never });

  test.each([
    ["nothing at all", undefined, {}],
    ["noop", { case: "noop", value: {} }, {}],
    ["an Any of Noop", { case: "value", value: opaque("eigr.functions.protocol.Noop") }, {}],
    ["an Any of Empty", { case: "value", value: opaque("google.protobuf.Empty") }, {}],
    ["JSON", { case: "value", value: json({ total: "7", unknown: 1 }) }, { total: "7" }],
    ["the declared message", { case: "value", value: opaque("shop.Total", 8, 7) }, { total: "7" }],
  ])("may be %s", async (_, payload, expected) => {
    await using other = await startShop(replying(payload));
    expect(await other.grpc.call(current, {})).toEqual(expected);
  });

  test.each([
    [
      "another message",
      { case: "value", value: opaque("shop.Item", 8, 7) },
      `"type.googleapis.com/shop.Item"`,
    ],
    [
      "bytes that are none",
      { case: "value", value: opaque("shop.Total", 8) },
      "bytes that are none",
    ],
    [
      "JSON of another shape",
      { case: "value", value: json({ total: "many" }) },
      "bytes that are none",
    ],
  ])("that is %s is told, and that the action ran", async (_, payload, got) => {
    await using other = await startShop(replying(payload));
    await expect(other.grpc.call(current, {})).rejects.toMatchObject({
      code: status.UNKNOWN,
      details: expect.stringContaining(got),
      trailers: { "spawn-error": "ACTION_FAILED", "spawn-applied": "yes" },
    });
  });
});

describe("headers", () => {
  test("are the metadata of the call, credentials are not", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await shop.grpc.call(
      add,
      { value: 0 },
      {
        headers: { traceparent, tenant: "blue", authorization: "Bearer secret" },
      },
    );
    expect(shop.host.requests.at(-1)?.invocation.currentContext?.metadata).toEqual({
      traceparent,
      tenant: "blue",
    });
  });

  test("make a repeated call harmless with an idempotency key", async () => {
    const before = await totalNow();
    const headers = { "idempotency-key": "once" };
    const first = await shop.grpc.call(add, { value: 1 }, { headers });
    expect(await shop.grpc.call(add, { value: 1 }, { headers })).toEqual(first);
    expect(await totalNow()).toBe(before + 1);
  });

  test("end a call that is given up while it waits, and the host never hears of it", async () => {
    await using slow = await startShop({
      Add: async (invocation) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return { updatedContext: invocation.currentContext! };
      },
    });
    const first = slow.grpc.call(add, { value: 1 });
    const second = slow.grpc.call(add, { value: 2 }, { deadline: Date.now() + 100 });
    await expect(second).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await first;
    await slow.grpc.call(current, {});
    expect(slow.host.requests.map(({ invocation }) => invocation.actionName)).toEqual([
      "Add",
      "Current",
    ]);
  });

  test("end a call at its deadline, and the action changes nothing", async () => {
    await using slow = await startShop({
      Add: async (invocation) => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        return {
          updatedContext: { ...invocation.currentContext!, state: opaque("shop.Total", 8, 1) },
        };
      },
    });
    await expect(
      slow.grpc.call(add, { value: 1 }, { deadline: Date.now() + 150 }),
    ).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(await slow.grpc.call(current, {})).toEqual({});
  });
});

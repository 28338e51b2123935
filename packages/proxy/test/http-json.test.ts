/** Actors as HTTP resources: what `curl` does, and what it should not do. */
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startShop } from "./fixtures/shop-proxy.ts";
import type { Shop } from "./fixtures/shop-proxy.ts";
import { shopActions, shopMethod } from "./fixtures/shop.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { opaque } from "./fixtures/values.ts";

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(async () => await shop[Symbol.asyncDispose]());

const JSON_HEADERS = { "content-type": "application/json" };

/** Sends what `curl -X METHOD PATH` does. */
async function curl(
  request: string,
  body?: string,
  headers: Record<string, string> = body === undefined ? {} : JSON_HEADERS,
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const [httpMethod, path] = request.split(" ") as [string, string];
  const init = { method: httpMethod, headers, ...(body !== undefined && { body }) };
  const answer = await fetch(shop.url + path, init);
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

describe("a method with an HTTP option", () => {
  test("takes its message from the body, and answers JSON", async () => {
    const before = await curl("GET /v1/incrementor");
    expect(before).toMatchObject({ status: 200, body: { total: "0" } });
    expect(await curl("POST /v1/incrementor/add", `{"value":1}`)).toMatchObject({
      status: 200,
      body: { total: "1" },
    });
    expect(await curl("PUT /v1/incrementor/total/5")).toMatchObject({ body: { total: "6" } });
  });

  test("reaches the same actors as gRPC", async () => {
    await curl("POST /v1/carts/joe%20%2F%20ann/items", `{"name":"tea","count":2}`);
    const show = shopMethod("Cart", "Show");
    const items = [{ name: "tea", count: 2 }];
    expect(await shop.grpc.call(show, { user: "joe / ann" })).toEqual({ items });
    const response = await curl("GET /v1/carts/joe%20%2F%20ann/items");
    expect(response).toMatchObject({ status: 200, body: items });
  });

  test("answers fields that are zero or empty too", async () => {
    expect((await curl("GET /v1/carts/nobody")).body).toEqual({ items: [] });
    expect((await curl("GET /v1/carts/nobody/items")).body).toEqual([]);
  });

  test("takes the rest of its message from the query", async () => {
    await curl("GET /v1/carts/joe?only_names=true&names=a&names=b%26c");
    const payload = shop.host.requests.at(-1)?.invocation.payload;
    expect(payload?.case === "value" && Buffer.from(payload.value.value).toString("latin1")).toBe(
      "\n\x03joe\x10\x01\x1a\x01a\x1a\x03b&c",
    );
  });

  test("gives headers on as metadata, with a prefix, and no credentials", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await curl("GET /v1/carts/joe", undefined, {
      traceparent,
      authorization: "Bearer secret",
      "grpc-metadata-tenant": "blue",
      "x-other": "1",
    });
    expect(shop.host.requests.at(-1)?.invocation.currentContext?.metadata).toEqual({
      traceparent,
      tenant: "blue",
    });
  });

  test("is done once with an idempotency key", async () => {
    const headers = { ...JSON_HEADERS, "idempotency-key": "http-once" };
    const first = await curl("POST /v1/incrementor/add", `{"value":1}`, headers);
    expect((await curl("POST /v1/incrementor/add", `{"value":1}`, headers)).body).toEqual(
      first.body,
    );
    const other = await curl("POST /v1/incrementor/add", `{"value":2}`, headers);
    expect(other).toMatchObject({ status: 409, body: { code: "IDEMPOTENCY_CONFLICT" } });
  });
});

describe("a request that cannot be answered", () => {
  test.each([
    ["a path that nothing is served at", "GET /v2/x", undefined, "404 ACTION_NOT_FOUND"],
    ["a path that is none", "GET //", undefined, "404 ACTION_NOT_FOUND"],
    ["another verb", "DELETE /v1/incrementor", undefined, "405 INVALID_ARGUMENT"],
    ["no JSON", "POST /v1/incrementor/add", "{", "400 INVALID_ARGUMENT"],
    ["a field that is not there", "POST /v1/incrementor/add", `{"x":1}`, "400 INVALID_ARGUMENT"],
    ["NaN", "POST /v1/incrementor/add", `{"value":NaN}`, "400 INVALID_ARGUMENT"],
    ["a wrong type", "POST /v1/incrementor/add", `{"value":{}}`, "400 INVALID_ARGUMENT"],
    ["a wrong path", "PUT /v1/incrementor/total/x", undefined, "400 INVALID_ARGUMENT"],
    ["a path that is no UTF-8", "GET /v1/carts/%ff", undefined, "400 INVALID_ARGUMENT"],
    ["a wrong query", "GET /v1/carts/joe?x=1", undefined, "400 INVALID_ARGUMENT"],
    ["an action that is not there", "POST /v1/carts/joe:empty", undefined, "404 ACTION_NOT_FOUND"],
    ["an actor that is not there", "GET /v1/unregistered", undefined, "404 ACTOR_NOT_FOUND"],
    ["a stream", "POST /v1/incrementor/all", "{}", "501 ACTION_NOT_FOUND"],
  ])("for %s says so", async (...[, request, body, expected]) => {
    const { status, body: answer, headers } = await curl(request, body);
    expect(answer).toMatchObject({ applied: "no", retryable: false });
    expect(`${status} ${(answer as { readonly code: string }).code}`).toBe(expected);
    expect(headers.get("content-type")).toBe("application/json");
  });

  test("says which verbs there are", async () => {
    const { headers } = await curl("DELETE /v1/carts/joe/items");
    expect(headers.get("allow")?.split(", ").toSorted()).toEqual(["GET", "POST"]);
  });

  test.each([
    ["text/plain", 415],
    ["application/json; charset=latin1", 415],
    ["application/x-www-form-urlencoded", 415],
    ["application/json; charset=utf-8", 200],
    ["application/vnd.api+json", 200],
  ])("with a body of type %s gets %i", async (type, expected) => {
    const { status } = await curl("POST /v1/incrementor/add", "{}", { "content-type": type });
    expect(status).toBe(expected);
  });

  test("with a compressed body is refused", async () => {
    const headers = { ...JSON_HEADERS, "content-encoding": "gzip" };
    const { status } = await curl("POST /v1/incrementor/add", "{}", headers);
    expect(status).toBe(415);
  });

  test("with a body that is no UTF-8 is refused", async () => {
    const body = Buffer.from([0x22, 0xff, 0x22]);
    const init = { method: "POST", headers: JSON_HEADERS, body };
    const answer = await fetch(`${shop.url}/v1/incrementor/add`, init);
    expect(await answer.json()).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("with a body beyond the limit is refused before it has come, and the connection ends", async () => {
    await using small = await startShop({}, { SPAWN_BODY_BYTES_MAX: "1024" });
    const socket = await connected(small);
    socket.write(
      `POST /v1/incrementor/add HTTP/1.1\r\nhost: x\r\n${"content-type: application/json\r\n"}content-length: 1000000\r\n\r\n${"x".repeat(2_000)}`,
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toMatch(/connection: close/i);
    expect(answer).toContain(`"code":"PAYLOAD_TOO_LARGE"`);
  });

  test("ends at its deadline", async () => {
    await using slow = await startShop({
      Add: async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return { payload: { case: "value", value: opaque("shop.Total", 8, 1) } };
      },
    });
    const post = async (timeout: string) =>
      await fetch(`${slow.url}/v1/incrementor/add`, {
        method: "POST",
        headers: { ...JSON_HEADERS, "grpc-timeout": timeout },
        body: "{}",
      });
    const late = await post("100m");
    expect([late.status, await late.json()]).toMatchObject([504, { code: "DEADLINE_EXCEEDED" }]);
    expect((await post("0m")).status).toBe(504);
    expect((await post("soon")).status).toBe(400);
  });
});

describe("the port", () => {
  test("is shared by gRPC and HTTP, also when their first bytes come one by one", async () => {
    const socket = await connected(shop);
    socket.setNoDelay(true);
    for (const byte of "PUT /v1/incrementor/total/0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 /);

    const http2 = await connected(shop);
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
      http2.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    http2.write(Buffer.from("000000040000000000", "hex")); // An empty SETTINGS frame.
    const [first] = (await once(http2, "data")) as [Buffer];
    expect(first.subarray(3, 4)).toEqual(Buffer.from([4])); // The SETTINGS of the server.
    http2.destroy();
  });

  test("answers pipelined requests in order", async () => {
    const socket = await connected(shop);
    const request = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
    socket.write(
      request("/health/liveness") +
        request("/v2") +
        request("/health/liveness", "connection: close\r\n"),
    );
    const statuses = (await text(socket)).matchAll(/HTTP\/1.1 (\d+)/g);
    expect([...statuses].map(([, status]) => status)).toEqual(["200", "404", "200"]);
  });

  test.each([
    ["garbage", Buffer.from("\0\xff\x16\x03\x01 no HTTP\r\n\r\n", "latin1")],
    ["something that begins like HTTP/2", Buffer.from("PRI * HTTP/1.1\r\n\r\n")],
    ["HTTP/2 and then garbage", Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"x".repeat(500)}`)],
    [
      "a header beyond the limit",
      Buffer.from(`GET / HTTP/1.1\r\nx: ${"x".repeat(20_000)}\r\n\r\n`),
    ],
  ])("closes a connection that sends %s, and goes on", async (_, bytes) => {
    const socket = await connected(shop);
    socket.on("error", () => undefined);
    socket.write(bytes);
    socket.resume();
    await once(socket, "close");
    expect((await curl("GET /health/liveness")).status).toBe(200);
  });

  test("closes a connection of HTTP/2 whose client has closed its end", async () => {
    const socket = await connected(shop);
    socket.end(Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\0\0\0\x04\0\0\0\0\0"}`));
    socket.resume();
    await once(socket, "close");
  });

  test("survives connections that break off anywhere", async () => {
    const whole = `POST /v1/incrementor/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"value":0}`;
    for (let length = 0; length < whole.length; length += 7) {
      const socket = await connected(shop);
      socket.on("error", () => undefined);
      socket.write(whole.slice(0, length));
      await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    }
    expect((await curl("GET /health/liveness")).status).toBe(200);
  });
});

describe("a proxy that stops", () => {
  test("lets calls under way end, and does not wait for connections that are idle or silent", async () => {
    const actions: Record<string, HostAction> = {
      Add: async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return { payload: { case: "value", value: opaque("shop.Total", 8, 9) } };
      },
      Put: async (invocation) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return await shopActions["Put"]!(invocation);
      },
    };
    await using other = await startShop(actions, { SPAWN_DRAIN_TIMEOUT_MS: "20000" });
    await fetch(`${other.url}/health/liveness`).then((answer) => answer.text());
    await connected(other);
    const init = { method: "POST", headers: JSON_HEADERS, body: "{}" };
    const http = fetch(`${other.url}/v1/incrementor/add`, init).then((answer) => answer.json());
    const grpc = other.grpc.call(shopMethod("Cart", "Put"), { user: "joe", item: { name: "tea" } });
    await until(() => other.host.requests.length === 2);
    const startedMs = performance.now();
    await other.proxy.stop();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(await http).toEqual({ total: "9" });
    expect(await grpc).toEqual({ items: [{ name: "tea" }] });
  });
});

async function connected({ proxy }: Shop): Promise<Socket> {
  const socket = connect(proxy.grpcPort!, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

describe("what is no HTTP", () => {
  test("is answered in words that can be read, however much of it there is", async () => {
    const { port: other } = shop.proxy.address as { readonly port: number };
    for (const port of [shop.proxy.grpcPort!, other]) {
      const socket = connect(port, "127.0.0.1");
      const answer = text(socket);
      socket.write("LEND /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n");
      for (let sent = 0; sent < 40; sent++) socket.write(Buffer.alloc(100_000, "x"));
      socket.end();
      expect(await answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*HPE_INVALID_METHOD/);
    }
  });
});

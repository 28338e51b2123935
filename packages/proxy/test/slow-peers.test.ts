/** Those who do not send to the end what they begin, and those who do not read what they asked for. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Stream } from "node:http2";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { counter } from "./fixtures/counter.ts";
import { startShop } from "./fixtures/shop-proxy.ts";
import { answered, shopMethod } from "./fixtures/shop.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonPayload } from "./fixtures/values.ts";

const HOST = "ts-host-0123456789abcdef0123456789abcdef";
const quick = { SPAWN_TRANSFER_TIMEOUT_MS: "1000" };

/** A connection that says something, and all that it hears until it is closed. */
function talk(
  port: number,
  text: string,
): { readonly socket: Socket; readonly heard: Promise<string> } {
  const socket = connect(port, "127.0.0.1", () => socket.write(text));
  let heard = "";
  socket.on("data", (bytes: Buffer) => (heard += bytes.toString("latin1")));
  socket.on("error", () => undefined);
  return { socket, heard: once(socket, "close").then(() => heard) };
}

function portOf(address: object): number {
  return (address as { readonly port: number }).port;
}

describe("a request of HTTP/1 that does not come to its end", () => {
  const halves = [
    ["that is silent", ""],
    ["with half a head", "POST /api/v1/system HTTP/1.1\r\nhost: local"],
    [
      "with half a body",
      "POST /api/v1/system HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nabc",
    ],
  ] as const;

  test.each(halves)("ends in time with its connection, one %s", async (_, text) => {
    await using t = await startWithHost({}, quick);
    const { heard } = talk(portOf(t.proxy.address), text);
    expect(await heard).toMatch(/^(HTTP\/1.1 408 [^]*spawn-error: DEADLINE_EXCEEDED|$)/);
    expect((await t.client.send("GET", "/health")).status).toBe(200);
  });

  test.each(halves.slice(1))(
    "ends in time at the port of services too, one %s",
    async (_, text) => {
      await using t = await startShop({}, quick);
      const path = "/v1/incrementor/add";
      const { heard } = talk(t.proxy.grpcPort!, text.replace("/api/v1/system", path));
      expect(await heard).toMatch(/^HTTP\/1.1 408 [^]*DEADLINE_EXCEEDED/);
    },
  );

  test("is no other for sending a byte now and then", async () => {
    await using t = await startWithHost({}, quick);
    const { socket, heard } = talk(portOf(t.proxy.address), "GET /health HTTP/1.1\r\nx-slow: ");
    const drip = setInterval(() => socket.write("x"), 100);
    expect(await heard).toMatch(/^HTTP\/1.1 408 /);
    clearInterval(drip);
  });

  test("is not kept beside any number of others at the port of services", async () => {
    await using t = await startShop({}, { SPAWN_BODY_BYTES_MAX: "10000" });
    const head = "POST /v1/incrementor/add HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n";
    const answers: string[] = [];
    const sockets = Array.from({ length: 50 }, () => {
      const { socket } = talk(t.proxy.grpcPort!, `${head}${"x".repeat(9_000)}`);
      return socket.on("data", (bytes: Buffer) => answers.push(bytes.toString("latin1")));
    });
    await until(() => answers.length === 15);
    expect(answers[0]).toMatch(/^HTTP\/1.1 429 /);
    for (const socket of sockets) socket.destroy();
  });
});

describe("an answer that nobody reads", () => {
  const large = "x".repeat(7_000_000);

  test("ends in time with its connection", { timeout: 20_000 }, async () => {
    await using t = await startWithHost({ large: () => ({ payload: jsonPayload(large) }) }, quick);
    await t.client.register([counter("hoard", { actions: [{ name: "large" }] })]);
    const path = "/api/v1/system/spawn-system/actors/hoard/large";
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
    const request = `${head}content-length: 0\r\n\r\n`;
    const { socket, heard } = talk(portOf(t.proxy.address), request.repeat(3));
    socket.pause();
    await until(() => t.host.requests.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    socket.resume();
    // Not all of it: what the operating system had taken by then.
    expect((await heard).length).toBeLessThan(3 * large.length);
  });
});

describe("a call of gRPC", () => {
  const path = "/shop.Incrementor/Add";
  const headers = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  };

  async function ending(stream: ClientHttp2Stream): Promise<string> {
    const [answer] = (await once(stream, "response")) as [Record<string, unknown>];
    return String(answer["grpc-status"]);
  }

  test("whose message does not come ends in time", async () => {
    await using t = await startShop({}, quick);
    const session = connectHttp2(t.url);
    const stream = session.request(headers);
    // It says that a hundred bytes follow.
    stream.write(Buffer.from([0, 0, 0, 0, 100, 1]));
    const closed = once(stream.resume(), "close");
    expect(await ending(stream)).toBe(`${status.DEADLINE_EXCEEDED}`);
    // What is half there would stay as long as its client does not end it.
    await closed;
    session.destroy();
  });

  test.each([
    ["", path],
    ["that is one of a stream ", "/shop.Incrementor/AddEach"],
  ])("whose message %sdoes not come is not kept beside any number of others", async (_, served) => {
    await using t = await startShop({}, { SPAWN_BODY_BYTES_MAX: "10000" });
    const session = connectHttp2(t.url);
    const half = Buffer.alloc(9_000);
    // It says that 9 990 bytes follow.
    half.writeUInt32BE(9_990, 1);
    const codes: string[] = [];
    const streams = Array.from({ length: 50 }, () => {
      const stream = session.request({ ...headers, ":path": served });
      stream.on("error", () => undefined).write(half);
      void ending(stream).then((code) => codes.push(code));
      return stream;
    });
    await until(() => codes.length >= 10);
    expect(new Set(codes)).toEqual(new Set([`${status.RESOURCE_EXHAUSTED}`]));
    for (const stream of streams) stream.destroy();
    const five = shopMethod("Incrementor", "Add");
    expect(await t.grpc.call(five, { value: 5 })).toEqual({ total: "5" });
    session.destroy();
  });

  test("of somebody unknown is refused before its message is there", async () => {
    await using t = await startShop(
      {},
      { SPAWN_TOKENS: `host typescript ${HOST}`, SPAWN_TRUST_LOOPBACK: "true" },
    );
    const session = connectHttp2(t.url);
    const stream = session.request({ ...headers, authorization: `Bearer ${HOST}x` });
    stream.write(Buffer.from([0, 0, 0, 0, 100, 1]));
    expect(await ending(stream)).toBe(`${status.UNAUTHENTICATED}`);
    session.destroy();
  });

  test("whose answer nobody reads ends with its connection", { timeout: 20_000 }, async () => {
    const items = [{ name: "x".repeat(3_000_000) }];
    const show: HostAction = (invocation) => answered(invocation, "Contents", { items });
    await using t = await startShop({ Show: show }, quick);
    const session = connectHttp2(t.url);
    session.on("error", () => undefined);
    const stream = session.request({ ...headers, ":path": "/shop.Cart/Show" });
    stream.on("error", () => undefined).pause();
    const ann = Buffer.from([10, 3, ...Buffer.from("ann")]);
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, ann.length]), ann]));
    await once(stream, "response");
    await once(session, "close");
  });
});

/**
 * Whatever is sent to the port of gRPC and HTTP: it is answered with something that can be decoded, or the
 * connection is closed, and the next call works. A failing run prints the seed that replays it.
 */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GrpcFailure } from "./fixtures/grpc-client.ts";
import { startShop } from "./fixtures/shop-proxy.ts";
import type { Shop } from "./fixtures/shop-proxy.ts";
import { shopMethod } from "./fixtures/shop.ts";

const RUNS = process.env["SPAWN_TEST_ALL"] === "1" ? 20_000 : 1_000;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({}, { SPAWN_BODY_BYTES_MAX: "100000" });
});
afterAll(async () => await shop[Symbol.asyncDispose]());

async function expectAlive(): Promise<void> {
  const amount = shopMethod("Incrementor", "Current");
  expect(await shop.grpc.call(amount, {})).toBeDefined();
  expect((await fetch(`${shop.url}/health/liveness`)).status).toBe(200);
}

/** Sends bytes, says that there will be no more, and reads until the server has nothing more to say. */
async function answerTo(bytes: Uint8Array): Promise<string> {
  const socket = connect(shop.proxy.grpcPort!, "127.0.0.1");
  socket.end(bytes);
  try {
    return (await buffer(socket)).toString("latin1");
  } catch {
    return ""; // Reset: closed with something unread.
  }
}

const piece = fc.constantFrom(
  "/v1",
  "/incrementor",
  "/add",
  "/total",
  "/carts",
  "/joe",
  "/items",
  "/books",
  "/files",
  "/",
  "%2F",
  "%00",
  "%ff",
  "%",
  ":lend",
  ":empty",
  "..",
  "*",
  "{user}",
  "ü",
  "~".repeat(300),
);
const query = fc.constantFrom(
  "",
  "?",
  "?value=1",
  "?names=a&names=b",
  "?only_names=yes",
  "?item.name=x",
  "?%=%",
  "?a=%ff",
  "?__proto__=1",
  "?user=a&user=b",
  "?pages=NaN&price=1e400&genre=9",
  `?${"x=1&".repeat(500)}`,
);
const deep = 10_000;
const body = fc.oneof(
  fc.json(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    `{"value":1}`,
    `{"value":"9223372036854775808"}`,
    `{"name":"tea","count":-1}`,
    "null",
    "{",
    "[".repeat(deep),
    `${"[".repeat(deep)}${"]".repeat(deep)}`,
    `{"a":`.repeat(deep),
    `{"__proto__":{}}`,
    `{"value":1e400}`,
    "\u{feff}{}",
    `"${"x".repeat(99_000)}"`,
  ),
);
const header = fc.constantFrom(
  "content-type: application/json",
  "content-type: text/html",
  "content-encoding: gzip",
  "grpc-timeout: 1n",
  "grpc-timeout: 99999999H",
  "grpc-timeout: -1S",
  "request-timeout: NaN",
  "idempotency-key: k",
  "idempotency-key:",
  `idempotency-key: ${"k".repeat(5_000)}`,
  "grpc-metadata-a: b",
  "grpc-metadata-__proto__: c",
  "transfer-encoding: chunked",
  "expect: 100-continue",
);
const httpRequest = fc
  .record({
    verb: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "LEND"),
    path: fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join("")),
    query,
    headers: fc.array(header, { maxLength: 4 }),
    body,
  })
  .map((request) => {
    const content = Buffer.from(request.body.toWellFormed());
    const head = [
      `${request.verb} ${request.path}${request.query} HTTP/1.1`,
      "host: x",
      "connection: close",
      `content-length: ${content.length}`,
      ...request.headers,
    ];
    return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), content]);
  });

test(
  "any HTTP request gets JSON with a code, or is no HTTP at all",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(httpRequest, async (request) => {
        const answer = await answerTo(request);
        const [head = "", content = ""] = answer.split(/\r\n\r\n(?!HTTP)/s, 2);
        const [, code = ""] =
          /HTTP\/1.1 (\d+)/.exec(head.replace(/^HTTP\/1.1 100 .*?\r\n\r\n/s, "")) ?? [];
        expect(code).toMatch(/^(200|4\d\d|501|504|)$/);
        const isOurs = /content-type: application\/json/i.test(head) && !request.includes("HEAD ");
        if (isOurs && code !== "200") expect(JSON.parse(content)).toHaveProperty("code");
      }),
      { numRuns: RUNS },
    );
    await expectAlive();
  },
);

test(
  "any bytes as the message of a method are answered with a status",
  { timeout: 60_000 },
  async () => {
    const methods = [
      shopMethod("Incrementor", "Add"),
      shopMethod("Cart", "Put"),
      shopMethod("Cart", "Show"),
    ];
    const valid = Buffer.from("0a036a6f65120708011203746561", "hex");
    const damaged = fc
      .tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(valid.length))
      .map(([at, byte, length]) => {
        const bytes = Buffer.from(valid);
        bytes[at] = byte;
        return bytes.subarray(0, length);
      });
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), bytes, async (method, message) => {
        const failure = await shop.grpc.callWithBytes(method, message).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) return;
        expect(failure).toBeInstanceOf(GrpcFailure);
        const { code } = failure as GrpcFailure;
        // The host of the tests throws at what it does not understand.
        expect([status.INVALID_ARGUMENT, status.UNKNOWN]).toContain(code);
      }),
      { numRuns: RUNS },
    );
    await expectAlive();
  },
);

test("any frames of HTTP/2 leave the others undisturbed", { timeout: 60_000 }, async () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const settings = Buffer.from("000000040000000000", "hex");
  const frame = fc
    .record({
      type: fc.nat(12),
      flags: fc.nat(255),
      stream: fc.constantFrom(0, 1, 2, 3, 0x7fffffff),
      payload: fc.uint8Array({ maxLength: 60 }),
      length: fc.option(fc.nat(0xffffff)),
    })
    .map(({ type, flags, stream, payload, length }) => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(length ?? payload.length, 0, 3);
      head.writeUInt8(type, 3);
      head.writeUInt8(flags, 4);
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, payload]);
    });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 5 }), async (frames) => {
      await answerTo(Buffer.concat([preface, settings, ...frames]));
    }),
    { numRuns: RUNS / 2 },
  );
  await expectAlive();
});

test("a request of gRPC that breaks its rules is refused, and its connection stays", async () => {
  const session = connectHttp2(shop.url);
  const post = async (headers: object, content: Uint8Array): Promise<string> => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/shop.Incrementor/Add",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => undefined);
    let ended = "";
    stream.on(
      "response",
      (answer) => (ended ||= String(answer["grpc-status"] ?? answer[":status"])),
    );
    stream.on("trailers", (trailers) => (ended = String(trailers["grpc-status"])));
    stream.end(content);
    stream.resume();
    await once(stream, "close");
    return ended;
  };
  const message = Buffer.from("00000000020801", "hex");
  expect(await post({}, message)).toBe(`${status.OK}`);
  expect(await post({ "content-type": "text/html" }, message)).toBe("415");
  expect(await post({ ":path": "/shop.Incrementor/Nothing" }, message)).toBe(
    `${status.UNIMPLEMENTED}`,
  );
  expect(await post({ ":path": "/" }, message)).toBe(`${status.UNIMPLEMENTED}`);
  expect(await post({ "grpc-timeout": "soon" }, message)).toBe(`${status.INTERNAL}`);
  expect(await post({ "grpc-encoding": "zip" }, Buffer.from("01000000020801", "hex"))).toBe(
    `${status.UNIMPLEMENTED}`,
  );
  expect(await post({ "grpc-encoding": "gzip" }, Buffer.from("01000000020801", "hex"))).toBe(
    `${status.INTERNAL}`,
  );
  expect(await post({}, Buffer.from("00ffffffff0801", "hex"))).toBe(`${status.RESOURCE_EXHAUSTED}`);
  expect(await post({}, message)).toBe(`${status.OK}`);
  session.close();
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BadResponse, ResponseReader } from "./http-response.ts";
import type { HttpResponse } from "./http-response.ts";

const BODY_BYTES_MAX = 10_000;

/** Reads a response that comes in these parts, and then ends or not. */
function readAll(parts: readonly Buffer[], { ends }: { readonly ends: boolean }) {
  const reader = new ResponseReader(BODY_BYTES_MAX);
  let response: HttpResponse | undefined;
  for (const part of parts) response ??= reader.read(part);
  return response ?? (ends ? reader.end() : undefined);
}

function read(text: string, ends = false): HttpResponse | undefined {
  return readAll([Buffer.from(text, "latin1")], { ends });
}

/** The bytes, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

function chunked(body: Buffer, sizes: readonly number[]): Buffer {
  const chunks = cut(body, sizes).filter(({ length }) => length > 0);
  const lines = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)};extension=1\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...lines, Buffer.from("0\r\ntrailer: x\r\n\r\n")]);
}

describe("a response", () => {
  const places = fc.array(fc.nat(), { maxLength: 12 });

  test("is the same however the bytes are cut, and whatever is in them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), places, places, (bytes, cuts, sizes) => {
        const body = Buffer.from(bytes);
        const framings: readonly (readonly [string, Buffer, boolean])[] = [
          [`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`, body, false],
          ["HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n", chunked(body, sizes), false],
          ["HTTP/1.0 200 OK\r\n\r\n", body, true],
          [
            `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length:${body.length}\r\n\r\n`,
            body,
            false,
          ],
        ];
        for (const [head, rest, ends] of framings) {
          const whole = Buffer.concat([Buffer.from(head), rest]);
          const response = readAll(cut(whole, cuts), { ends });
          expect(response?.status).toBe(200);
          expect(Buffer.from(response!.body)).toEqual(body);
          expect(response?.isReusable).toBe(!ends);
        }
      }),
    );
  });

  test("is not there before its last byte", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        const head = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
        const whole = Buffer.concat([head, bytes]);
        for (let length = 0; length < whole.length; length++) {
          expect(readAll([whole.subarray(0, length)], { ends: true })).toBeUndefined();
        }
      }),
    );
  });

  test.each([
    ["a chunk", `transfer-encoding: chunked\r\n\r\n${(4_000_000).toString(16)}\r\n`],
    ["a length", "content-length: 4000000\r\n\r\n"],
  ])("of %s that drips is not copied anew with each drop", (_, framing) => {
    const reader = new ResponseReader(4_000_000);
    reader.read(Buffer.from(`HTTP/1.1 200 OK\r\n${framing}`));
    const drop = Buffer.alloc(20);
    const before = process.cpuUsage();
    for (let drops = 0; drops < 190_000; drops++) reader.read(drop);
    // Copied anew each time, it would be hundreds of gigabytes.
    expect(process.cpuUsage(before).user).toBeLessThan(8_000_000);
  });

  test("that wants the connection closed, or says more than it announced, is the last", () => {
    const body = "content-length: 1\r\n\r\na";
    expect(read(`HTTP/1.1 200 OK\r\n${body}`)?.isReusable).toBe(true);
    expect(read(`HTTP/1.1 200 OK\r\nConnection: close\r\n${body}`)?.isReusable).toBe(false);
    expect(read(`HTTP/1.0 200 OK\r\n${body}`)?.isReusable).toBe(false);
    expect(read(`HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n${body}`)?.isReusable).toBe(true);
    expect(read(`HTTP/1.1 200 OK\r\n${body}HTTP/1.1`)?.isReusable).toBe(false);
  });

  test("without a body has none, whatever it announces", () => {
    expect(read("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n")?.body.length).toBe(0);
  });

  test.each([
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${"1".repeat(2_000)}`,
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`,
    `HTTP/1.1 200 OK\r\ncontent-length: ${BODY_BYTES_MAX + 1}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${(BODY_BYTES_MAX + 1).toString(16)}\r\n`,
    `HTTP/1.1 200 OK\r\n\r\n${"z".repeat(BODY_BYTES_MAX + 1)}`,
  ])("is refused when it is %j", (text) => {
    expect(() => read(text)).toThrow(BadResponse);
  });
});

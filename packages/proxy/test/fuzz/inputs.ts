/** Requests over every route, most of them wrong in some way. */
import type { Choices } from "./choices.ts";
import { FUZZED, NAMES, invocation, registration, spawning } from "./messages.ts";
import { jsonInput } from "./json-inputs.ts";
import { mutate } from "./mutations.ts";
import { serviceInput } from "./service-inputs.ts";
import { streamInput } from "./stream-inputs.ts";

/** Which of its ports something is sent to. */
export type Destination = "proxy" | "services";

/** A request that is HTTP, whatever else it is. */
interface HttpInput {
  readonly kind: "http";
  readonly to: Destination;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Bytes that go to the socket as they are. */
interface RawInput {
  readonly kind: "raw";
  readonly to: Destination;
  readonly bytes: Buffer;
}

/** Bytes on a connection that has become a stream. */
interface StreamInput {
  readonly kind: "stream";
  readonly bytes: Buffer;
}

/** A message of a method of gRPC. */
interface GrpcInput {
  readonly kind: "grpc";
  readonly path: string;
  readonly message: Buffer;
}

export type FuzzInput = HttpInput | RawInput | StreamInput | GrpcInput;

const TYPES: readonly string[] = [
  "application/octet-stream",
  "application/octet-stream",
  "application/protobuf",
  "application/json",
  "text/html",
  "",
  "multipart/form-data; boundary=x",
];

const QUERIES: readonly string[] = [
  "",
  "",
  "?revision=1",
  "?revision=-1",
  "?revision=x",
  "?%",
  "?a&b==",
];

const MEBIBYTE = 1024 * 1024;

/** The next input of a run. */
export function nextInput(choices: Choices): FuzzInput {
  if (choices.chance(0.2)) return serviceInput(choices);
  if (choices.chance(0.15)) return jsonInput(choices);
  if (choices.chance(0.1)) return streamInput(choices);
  return choices.chance(0.05) ? rawInput(choices) : httpInput(choices);
}

function httpInput(choices: Choices): HttpInput {
  const { path, body } = routeOf(choices);
  const headers: Record<string, string> = { "content-type": choices.pick(TYPES) };
  if (choices.chance(0.02)) headers["spawn-host-port"] = choices.pick(["0", "x", "99999", "-1"]);
  if (choices.chance(0.02)) headers["expect"] = "100-continue";
  return { kind: "http", to: "proxy", method: methodFor(path, choices), path, headers, body };
}

function methodFor(path: string, choices: Choices): string {
  if (choices.chance(0.03))
    return choices.pick(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]);
  return path.includes("invoke") || path.includes("spawn") || path === "/api/v1/system"
    ? "POST"
    : "GET";
}

function routeOf(choices: Choices): Pick<HttpInput, "path" | "body"> {
  const system = pathPart(choices.chance(0.9) ? "spawn-system" : choices.pick(NAMES));
  const actor = pathPart(choices.pick(choices.chance(0.5) ? FUZZED : NAMES));
  const query = choices.pick(QUERIES);
  const at = `/api/v1/system/${system}/actors`;
  switch (choices.below(10)) {
    case 0:
    case 1:
      return { path: "/api/v1/system", body: mutate(registration(choices), choices) };
    case 2:
    case 3:
      return { path: `${at}/spawn${query}`, body: mutate(spawning(choices), choices) };
    case 4:
      return { path: `${at}/${actor}${query}`, body: Buffer.alloc(0) };
    case 5:
      return { path: oddPath(choices), body: choices.bytes(choices.below(20)) };
    case 6:
      // Good requests come between the bad ones.
      return { path: `${at}/${actor}/invoke`, body: Buffer.from(invocation(choices)) };
    default:
      return { path: `${at}/${actor}/invoke`, body: bodyOf(choices) };
  }
}

function bodyOf(choices: Choices): Buffer {
  if (!choices.chance(0.002)) return mutate(invocation(choices), choices);
  return Buffer.alloc(choices.pick([MEBIBYTE - 1, MEBIBYTE + 1, 9 * MEBIBYTE]), 10);
}

function pathPart(name: string): string {
  return encodeURIComponent(name);
}

function oddPath(choices: Choices): string {
  return choices.pick([
    "/",
    "/health",
    "/health/liveness",
    "/health/readiness",
    "/metrics",
    "/api",
    "/api/v1",
    "/api/v1/system/",
    "/api/v1/system/%/actors/%ff/invoke",
    "/api/v1/system/a/actors/%zz",
    "//api/v1/system",
    `/${"a/".repeat(500)}`,
    "/../../etc/passwd",
    "/?%00",
  ]);
}

const REQUEST =
  "POST /api/v1/system/spawn-system/actors/fuzzed-0/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n\0\0\0\0";

const RAW: readonly string[] = [
  "\r\n\r\n\r\n",
  "GET / HTTP/9.9\r\n\r\n",
  "GET /\r\n\r\n",
  "\x16\x03\x01\x02\0\x01\0\x01\xfc",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
  "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
  "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
  "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
  "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
  "POST /api/v1/system HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort",
  "GET /health HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n",
  `GET /health HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(100_000)}\r\n\r\n`,
  REQUEST,
  REQUEST + REQUEST,
];

function rawInput(choices: Choices): RawInput {
  const bytes = Buffer.from(choices.pick(RAW), "latin1");
  return { kind: "raw", to: "proxy", bytes: choices.chance(0.5) ? bytes : mutate(bytes, choices) };
}

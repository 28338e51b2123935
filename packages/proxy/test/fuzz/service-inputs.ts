/** What is sent to the port of services: HTTP by their options, messages of gRPC, and frames that are neither. */
import { shopActors } from "../fixtures/shop.ts";
import type { ActorInit } from "../fixtures/wire-client.ts";
import type { Choices } from "./choices.ts";
import type { FuzzInput } from "./inputs.ts";
import { NAMES } from "./messages.ts";
import { mutate } from "./mutations.ts";

/** The actors behind the services; whoever hosts them may answer anything. */
export const SERVED: readonly ActorInit[] = [
  ...shopActors,
  {
    id: { name: "Library", system: "spawn-system" },
    settings: { stateful: false },
    actions: ["Find", "Store", "Lend"].map((name) => ({ name })),
  },
];

export function serviceInput(choices: Choices): FuzzInput {
  switch (choices.below(10)) {
    case 0:
    case 1:
    case 2:
      return grpcInput(choices);
    case 3:
      return { kind: "raw", to: "services", bytes: framesOf(choices) };
    default:
      return httpInput(choices);
  }
}

const METHODS: readonly string[] = [
  "/shop.Incrementor/Add",
  "/shop.Cart/Put",
  "/shop.Cart/Show",
  "/library.Library/Find",
  "/grpc.health.v1.Health/Check",
];

/** A user, a number, an item; most messages have something in these fields. */
const MESSAGE = Buffer.from("0a036a6f6510071a0708021203746561", "hex");

function grpcInput(choices: Choices): FuzzInput {
  return { kind: "grpc", path: choices.pick(METHODS), message: mutate(MESSAGE, choices) };
}

const PATHS: readonly string[] = [
  "/v1/incrementor",
  "/v1/incrementor/add",
  "/v1/incrementor/total/1",
  "/v1/carts/{}",
  "/v1/carts/{}/items",
  "/v1/carts/{}:empty",
  "/v1/books",
  "/v1/books/{}:lend",
  "/v1/books/{}/tags",
  "/v1/books/{}/anything",
  "/v1/books/{}/3",
  "/v1/files/{}/{}",
  "/v1/shelves/{}/books/{}",
  "/health/readiness",
  "/v1/%ff/{}",
  "//",
];

const QUERIES: readonly string[] = [
  "",
  "?pages=1&price=NaN&genre=GENRE_POEM&tags=a&tags=b&shelf.beside.floor=2",
  "?published=2026-11-25T00:00:00Z&readingTime=1e400s&mask=a,b&cover=%2F%2F",
  "?only_names=true&names=x",
  "?value=9223372036854775808",
  "?__proto__.a=1",
  "?a=%ff&%=1",
];

const BODIES: readonly string[] = [
  "",
  `{"value":"1"}`,
  `{"name":"tea","count":2}`,
  `{"name":"a","tags":["x"],"shelf":{"beside":{"beside":{"id":"s"}}},"notes":{"a":"b"},"anything":[null,{"b":1e9}]}`,
  `["a","b"]`,
  "null",
];

const VERBS: readonly string[] = ["GET", "GET", "POST", "POST", "PUT", "PATCH", "LEND", "HEAD"];

const TIMEOUTS: readonly string[] = ["500m", "1n", "0S", "99999999H", "x"];

function httpInput(choices: Choices): FuzzInput {
  const path = choices
    .pick(PATHS)
    .replaceAll("{}", () => encodeURIComponent(choices.pick(NAMES)) || "%");
  const headers: Record<string, string> = {
    "content-type": choices.chance(0.9) ? "application/json" : "text/plain",
  };
  if (choices.chance(0.1)) headers["grpc-timeout"] = choices.pick(TIMEOUTS);
  if (choices.chance(0.1)) headers["idempotency-key"] = "k".repeat(1 + choices.below(300));
  const text = Buffer.from(choices.pick(BODIES));
  return {
    kind: "http",
    to: "services",
    method: choices.pick(VERBS),
    path: path + choices.pick(QUERIES),
    headers,
    body: choices.chance(0.5) ? text : mutate(text, choices),
  };
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from("000000040000000000", "hex");

function framesOf(choices: Choices): Buffer {
  const frames = Array.from({ length: 1 + choices.below(5) }, () => {
    const payload = choices.bytes(choices.below(60));
    const head = Buffer.alloc(9);
    head.writeUIntBE(choices.chance(0.9) ? payload.length : choices.below(2 ** 24), 0, 3);
    head.writeUInt8(choices.below(12), 3);
    head.writeUInt8(choices.below(256), 4);
    head.writeUInt32BE(choices.below(4), 5);
    return Buffer.concat([head, payload]);
  });
  return Buffer.concat([PREFACE, SETTINGS, ...frames]);
}

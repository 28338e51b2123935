// The shop over HTTP, with Node alone: routes, failures as statuses, and keys of requests that are repeated.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { SpawnError, errorCodes, settle } from "spawn-mesh";
import type { ActorSystem, CallOptions } from "spawn-mesh";
import { cart } from "./cart.ts";
import { order } from "./order.ts";
import { report } from "./report.ts";
import { stock } from "./stock.ts";

const BODY_BYTES_MAX = 64 * 1024;

type Shop = Pick<ActorSystem, "actor" | "find">;

export function shopServer(shop: Shop): Server {
  return createServer((request, response) => {
    respond(shop, request, response).catch((error: unknown) => {
      console.error(error); // A mistake of this file.
      response.writeHead(500).end();
    });
  });
}

async function respond(
  shop: Shop,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const settled = await settle(answer(shop, request));
  if (settled.ok) {
    response.end(JSON.stringify(settled.value ?? null));
    return;
  }
  const { error } = settled;
  const { code, data } = error.failure ?? { code: error.code, data: undefined };
  // What the actor refuses is a conflict with its state; all else has a status of its own.
  response.statusCode = error.failure === undefined ? errorCodes[error.code].http : 409;
  response.end(JSON.stringify({ code, data, message: error.message, applied: error.applied }));
}

async function answer(shop: Shop, request: IncomingMessage): Promise<unknown> {
  const { pathname } = new URL(request.url ?? "/", "http://shop");
  const [, kind = "", id = "", action = ""] = pathname.split("/");
  const options = optionsOf(request);
  switch (`${request.method} ${kind}/${action}`) {
    case "POST stock/receive":
      return await shop.actor(stock, id).receive((await bodyOf(request)) as number, options);
    case "POST cart/put": // `input` checks what comes.
      return await shop.actor(cart, id).put((await bodyOf(request)) as never, options);
    case "POST cart/checkout":
      return await shop.actor(cart, id).checkout((await bodyOf(request)) as string, options);
    case "POST order/pay":
      return await shop.actor(order, id).pay(undefined, options);
    case "GET orders/": {
      const { actors } = await shop.find(order, { status: "open" });
      return actors.map(({ name }) => name);
    }
    case "GET report/":
      return await shop.actor(report).days(undefined, options);
    default:
      throw new SpawnError("ACTION_NOT_FOUND", `there is no ${request.method} ${pathname}`);
  }
}

/** A request that may be repeated has a key; without one each of them counts. */
function optionsOf({ headers }: IncomingMessage): CallOptions {
  const key = headers["idempotency-key"];
  return { idempotencyKey: typeof key === "string" ? key : undefined, deadlineMs: 5_000 };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw new SpawnError("PAYLOAD_TOO_LARGE", "the body");
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", "the body: expected JSON", { cause });
  }
}

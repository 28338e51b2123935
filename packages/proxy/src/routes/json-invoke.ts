/** Calls of actions with JSON, for `curl` and everything else that has no SDK. */
import type { IncomingHttpHeaders } from "node:http";
import type { CallOptions } from "spawn-mesh/engine";
import { SpawnError, TIMEOUT_MS_MAX } from "spawn-mesh/engine";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { besideKey } from "../beside-key.ts";
import type { Answer } from "../http/answers.ts";
import { metadataInTrace } from "../observability/trace-context.ts";
import { isJson, jsonAnswer, jsonRoute, notJson, valueOfBody } from "../http/json-answers.ts";
import { keyIn, one } from "../http/request-headers.ts";
import type { Route, RouteRequest } from "../http/route.ts";

/** How long a call may take, and after what time it is delivered, both in milliseconds. */
const DEADLINE_HEADER = "spawn-deadline-ms";
const DELAY_HEADER = "spawn-delay-ms";
/** `spawn-metadata-trace: 1` is metadata `trace` of the call. */
const METADATA_PREFIX = "spawn-metadata-";
/** RFC 7240: answer as soon as the call is accepted. */
const RESPOND_ASYNC = /(^|,)\s*respond-async\s*(,|;|$)/i;

/** `POST …/actors/:actor/:action`, with the payload as its body; `?definition=` for instances. */
export function jsonInvokeRoutes(systems: ActorSystems): readonly Route[] {
  return [
    jsonRoute({
      method: "POST",
      path: "/api/v1/system/:system/actors/:actor/:action",
      handle: (request) => invoke(systems, request),
    }),
  ];
}

async function invoke(systems: ActorSystems, request: RouteRequest): Promise<Answer> {
  if (!isJson(request)) return notJson();
  const { params, query, headers, body, identity } = request;
  const { system = "", actor: name = "", action = "" } = params;
  const definition = query.get("definition") ?? "";
  const target = { system, name, parent: definition, registerRef: definition };
  const payload = valueOfBody(body);
  const options = besideKey(keyIn(headers), () => optionsOf(headers));
  const nobody = { claimed: undefined, run: undefined };
  const value = await systems.call({ target, action, payload, options, identity, ...nobody });
  const isLater = options.async === true || options.delayMs !== undefined;
  return isLater ? { status: 202, headers: {}, body: "" } : jsonAnswer(value);
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function optionsOf(headers: IncomingHttpHeaders): CallOptions {
  const metadata = metadataInTrace(metadataOf(headers), headers);
  const { idempotencyKey } = keyIn(headers);
  const deadlineMs = millisecondsIn(headers, DEADLINE_HEADER, 1);
  const delayMs = millisecondsIn(headers, DELAY_HEADER, 0);
  const isAsync = delayMs === undefined && RESPOND_ASYNC.test(one(headers, "prefer") ?? "");
  return {
    ...(isAsync && { async: true }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(deadlineMs !== undefined && { deadlineMs: Math.min(deadlineMs, TIMEOUT_MS_MAX) }),
    ...(delayMs !== undefined && { delayMs }),
  };
}

function metadataOf(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const entries = Object.keys(headers)
    .filter((header) => header.startsWith(METADATA_PREFIX))
    .map((header) => [header.slice(METADATA_PREFIX.length), one(headers, header) ?? ""]);
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}

function millisecondsIn(
  headers: IncomingHttpHeaders,
  header: string,
  min: number,
): number | undefined {
  const text = one(headers, header);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d{1,15}$/.test(text) && number >= min) return number;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${header}: expected milliseconds, at least ${min}, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

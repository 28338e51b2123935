/** Messages from outside, with JSON: stored, delivered once or at the times of their options. */
import { SpawnError } from "spawn-mesh/engine";
import type { SendRequest } from "spawn-mesh/engine";
import { valueOfJson } from "spawn-mesh/protocol";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { checkActorName, notFound } from "../actors/directory.ts";
import { notTooOften } from "../actors/shortest-period.ts";
import { metadataInTrace, traceContextIn } from "../observability/trace-context.ts";
import type { Answer } from "../http/answers.ts";
import { isJson, jsonAnswer, jsonRoute, notJson, valueOfBody } from "../http/json-answers.ts";
import type { Route, RouteRequest } from "../http/route.ts";

/** `POST …/messages` with `{ name, action, payload, … }`, answered with the id of the message. */
export function messageRoutes(systems: ActorSystems): readonly Route[] {
  return [
    jsonRoute({
      method: "POST",
      path: "/api/v1/system/:system/messages",
      handle: (request) => send(systems, request),
    }),
  ];
}

async function send(systems: ActorSystems, request: RouteRequest): Promise<Answer> {
  if (!isJson(request)) return notJson();
  const { system: systemName = "" } = request.params;
  const { name, payload, ...message } = messageOf(request.body);
  systems.admit({ identity: request.identity, action: message.action });
  const system = systems.get(systemName);
  if (system === undefined) throw notFound({ name, system: systemName });
  const { definition = "" } = message;
  const registerRef = definition === name ? "" : definition;
  checkActorName(definition || name);
  const found = await systems.find({ system: systemName, name, parent: "", registerRef });
  const { headers } = request;
  const isInTrace = traceContextIn(headers) !== undefined;
  const id = await system.engine.send(name, {
    ...notTooOften(message),
    ...(isInTrace && { metadata: metadataInTrace(message.metadata ?? {}, headers) }),
    definition: found?.definition ?? (definition || name),
    payload: valueOfJson(payload),
  });
  return jsonAnswer({ id });
}

/** @throws {SpawnError} `INVALID_ARGUMENT`; what else is wrong with it the engine says */
function messageOf(body: Uint8Array): SendRequest & { readonly name: string } {
  const message = valueOfBody(body);
  const { name, action } = Object(message) as {
    readonly name?: unknown;
    readonly action?: unknown;
  };
  if (typeof name === "string" && typeof action === "string") {
    return { ...(message as SendRequest), name, action };
  }
  const what =
    typeof name === "string"
      ? "with the name of an action"
      : "with the name of an actor, and no number beyond 2 ** 53";
  throw new SpawnError("INVALID_ARGUMENT", `expected { name, action, payload } ${what}`);
}

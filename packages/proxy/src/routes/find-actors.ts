/** Finding stored actors of a definition, with JSON: for the hosts that look after them. */
import { SpawnError } from "spawn-mesh/engine";
import type { ActorQuery } from "spawn-mesh/engine";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { notFound } from "../actors/directory.ts";
import type { Answer } from "../http/answers.ts";
import { isJson, jsonAnswer, jsonRoute, notJson, valueOfBody } from "../http/json-answers.ts";
import type { Guard } from "../security/guard.ts";
import { checkHost, unauthorized } from "../security/identity.ts";
import type { Route, RouteRequest } from "../http/route.ts";

export interface FindActorsParts {
  readonly systems: ActorSystems;
  readonly guard: Guard;
}

/** `POST …/actors/find` with `{ definition, where, tags, limit, after, … }`, answered with a page of them. */
export function findActorsRoutes(parts: FindActorsParts): readonly Route[] {
  return [
    jsonRoute({
      method: "POST",
      path: "/api/v1/system/:system/actors/find",
      handle: (request) => find(parts, request),
    }),
  ];
}

async function find({ systems, guard }: FindActorsParts, request: RouteRequest): Promise<Answer> {
  if (!isJson(request)) return notJson();
  const { identity, params } = request;
  checkHost(identity, "find actors");
  const { system: systemName = "" } = params;
  const query = queryOf(request.body);
  const { definition } = query;
  const { registered, engine } = systems.existing(systemName);
  if (!registered.has(definition)) throw notFound({ name: definition, system: systemName });
  if (!guard.looksAfter(identity, [{ system: systemName, definition, name: definition }])) {
    throw unauthorized(`${identity.name} does not look after the actors of ${definition}`);
  }
  engine.checkAccepting();
  return jsonAnswer(await engine.care.finder.list(query));
}

/** @throws {SpawnError} `INVALID_ARGUMENT`; what else is wrong with it the engine says */
function queryOf(body: Uint8Array): ActorQuery & { readonly definition: string } {
  const query = valueOfBody(body);
  const { definition } = Object(query) as { readonly definition?: unknown };
  if (typeof definition === "string") return { ...(query as ActorQuery), definition };
  throw new SpawnError("INVALID_ARGUMENT", "expected { definition, … } with the name of an actor");
}

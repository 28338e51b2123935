/** What hosts have registered, with JSON: to look at, and to forget what will not come again. */
import type { ActorSystems } from "../actors/actor-systems.ts";
import { notFound } from "../actors/directory.ts";
import type { Answer } from "../http/answers.ts";
import { jsonAnswer, jsonRoute } from "../http/json-answers.ts";
import type { Log } from "../observability/log.ts";
import type { Guard } from "../security/guard.ts";
import { checkHost } from "../security/identity.ts";
import type { Route, RouteRequest } from "../http/route.ts";

export interface RegistrationParts {
  readonly systems: ActorSystems;
  readonly guard: Guard;
  readonly log: Log;
}

/** `GET …/registrations` and `DELETE …/registrations/:actor` */
export function registrationRoutes(parts: RegistrationParts): readonly Route[] {
  const path = "/api/v1/system/:system/registrations";
  return [
    jsonRoute({ method: "GET", path, handle: (request) => list(parts, request) }),
    jsonRoute({
      method: "DELETE",
      path: `${path}/:actor`,
      handle: (request) => unregister(parts, request),
    }),
  ];
}

function list({ systems, guard }: RegistrationParts, { params, identity }: RouteRequest): Answer {
  checkHost(identity, "look at registrations");
  const { system = "" } = params;
  const registrations = systems.get(system)?.registered.all ?? [];
  const own = registrations.filter(({ name }) =>
    guard.looksAfter(identity, [{ system, definition: name, name }]),
  );
  return jsonAnswer({ registrations: own });
}

async function unregister(
  { systems, guard, log }: RegistrationParts,
  { params, identity }: RouteRequest,
): Promise<Answer> {
  checkHost(identity, "unregister actors");
  const { system: systemName = "", actor: name = "" } = params;
  const system = systems.get(systemName);
  if (system === undefined) throw notFound({ name, system: systemName });
  const giveBack = guard.own(identity, systemName, [name]);
  try {
    if (!(await system.registered.remove(name))) throw notFound({ name, system: systemName });
  } catch (error) {
    giveBack();
    throw error;
  }
  guard.disown(systemName, name);
  log("info", "unregistered", { system: systemName, actor: name, by: identity.name });
  return jsonAnswer(undefined);
}

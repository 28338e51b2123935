/** Registrations: a host says which actors it has. */
import {
  ProgramSchema,
  RegistrationRequestSchema,
  RegistrationResponseSchema,
  decodeMessage,
  furtherFields,
  readRegistration,
} from "spawn-mesh/protocol";
import type { ActorOpts, RegisteredActor, ServiceInfo } from "spawn-mesh/protocol";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { ownedName } from "../actors/registered-externals.ts";
import { PERIOD_MS_MIN } from "../actors/shortest-period.ts";
import { okStatus, protobufAnswer } from "../http/answers.ts";
import type { Answer } from "../http/answers.ts";
import { withActorOptions } from "../grpc/actor-options.ts";
import type { ActorHosts } from "../host/actor-hosts.ts";
import type { HostProgram } from "../host/host-program.ts";
import type { Log } from "../observability/log.ts";
import type { Guard } from "../security/guard.ts";
import { checkHost } from "../security/identity.ts";
import type { Route, RouteRequest } from "../http/route.ts";

/** With this header a host says at which port it listens, if not at the configured one. */
const HOST_PORT_HEADER = "spawn-host-port";

/** What the proxy says of itself; SDKs read the versions. */
const PROXY_INFO = {
  protocolMajorVersion: 1,
  protocolMinorVersion: 2,
  proxyName: "spawn",
  proxyVersion: "0.1.0",
};

/** Names of actors in one line of the log. */
const NAMES_TOLD_MAX = 100;

/** The word that SDKs look for. */
export const ACCEPTED = "Accepted";

export interface RegisterParts {
  readonly systems: ActorSystems;
  readonly hosts: ActorHosts;
  readonly log: Log;
  readonly guard: Guard;
  /** What `.proto` files say about actors, by the name of the actor. */
  readonly declared: ReadonlyMap<string, ActorOpts>;
}

/** `POST /api/v1/system` */
export function registerRoutes(parts: RegisterParts): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/api/v1/system",
      handle: (request) => registerByRequest(parts, request),
    },
  ];
}

async function registerByRequest(
  parts: RegisterParts,
  { body, headers, identity }: RouteRequest,
): Promise<Answer> {
  const port = headers[HOST_PORT_HEADER];
  return await register(parts, { body, identity }, (info) =>
    parts.hosts.of(info, typeof port === "string" ? port : undefined),
  );
}

/** Takes the actors of a host. @throws {SpawnError} */
export async function register(
  { systems, log, guard, declared }: RegisterParts,
  { body, identity }: Pick<RouteRequest, "body" | "identity">,
  hostOf: (info: ServiceInfo) => HostProgram,
): Promise<Answer> {
  checkHost(identity, "register actors");
  const request = decodeMessage(RegistrationRequestSchema, body);
  const registration = withActorOptions(readRegistration(request), declared);
  const { externals = [], startedAt = 0n } = furtherFields(ProgramSchema, request) ?? {};
  const host = hostOf(registration.serviceInfo);
  const system = registration.system || systems.defaultSystem;
  const actors = registration.actors.map(({ id }) => id.name);
  const by = identity.name;
  if (actors.length > 0 || externals.length > 0) {
    const giveBack = guard.own(identity, system, [...actors, ...externals.map(ownedName)]);
    try {
      const opened = await systems.open(system);
      opened.checkExternals(externals);
      const since = Math.min(Number(startedAt) || Infinity, Date.now());
      await opened.registered.add(registration, { host, identity: by, since });
      await opened.addExternals(externals, host, by);
    } catch (error) {
      // What was taken before something failed is there, and needs an owner.
      const isHere = (name: string): boolean => systems.get(system)?.registered.has(name) === true;
      if (!actors.some(isHere)) giveBack();
      throw error;
    }
  }
  for (const actor of registration.actors.filter(hasShortTimer)) {
    log("warning", "timer-too-often", { system, actor: actor.id.name, everyMs: PERIOD_MS_MIN });
  }
  const told = { actors: actors.slice(0, NAMES_TOLD_MAX), count: actors.length };
  log("info", "registered", { system, ...told, host: host.place, by });
  const answer = { status: okStatus(ACCEPTED), proxyInfo: PROXY_INFO };
  return protobufAnswer(RegistrationResponseSchema, answer);
}

/** Whether a timer is to fire more often than it will. */
function hasShortTimer({ definition }: RegisteredActor): boolean {
  return definition.timerActions.some(({ seconds: ms }) => ms >= 1 && ms < PERIOD_MS_MIN);
}

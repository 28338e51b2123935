/** Spawning: a name becomes an instance of an unnamed actor. */
import { SpawnError } from "spawn-mesh/engine";
import { SpawnRequestSchema, SpawnResponseSchema, decodeMessage } from "spawn-mesh/protocol";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { notFound } from "../actors/directory.ts";
import type { Guard } from "../security/guard.ts";
import { checkHost, unauthorized } from "../security/identity.ts";
import { okStatus, protobufAnswer } from "../http/answers.ts";
import type { Answer } from "../http/answers.ts";
import type { Route, RouteRequest } from "../http/route.ts";
import { ACCEPTED } from "./register.ts";

/** Instances of one request, each of which is stored. */
const SPAWNED_MAX = 1_000;

export interface SpawnParts {
  readonly systems: ActorSystems;
  readonly guard: Guard;
}

/** `POST …/actors/spawn`, with `?revision=N` to begin at a kept revision. */
export function spawnRoutes(parts: SpawnParts): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/api/v1/system/:system/actors/spawn",
      handle: (request) => spawn(parts, request),
    },
  ];
}

async function spawn(
  { systems, guard }: SpawnParts,
  { params, query, body, identity }: RouteRequest,
): Promise<Answer> {
  const { actors } = decodeMessage(SpawnRequestSchema, body);
  if (actors.length > SPAWNED_MAX) {
    const message = `expected at most ${SPAWNED_MAX} actors at once, got ${actors.length}`;
    throw new SpawnError("INVALID_ARGUMENT", message);
  }
  const revision = revisionOf(query.get("revision"));
  if (revision > 0) checkHost(identity, "restore a revision");
  for (const { name, system: ofActor, parent } of actors) {
    const systemName = ofActor || params["system"] || systems.defaultSystem;
    const system = systems.get(systemName);
    if (system === undefined) throw notFound({ name: parent || name, system: systemName });
    const restored = { system: systemName, definition: parent, name };
    if (revision > 0 && !guard.looksAfter(identity, [restored])) {
      throw unauthorized(`${identity.name} does not look after the actors of ${parent}`);
    }
    const place = await system.spawn(name, parent);
    if (revision > 0) await system.restore(place, revision);
  }
  return protobufAnswer(SpawnResponseSchema, { status: okStatus(ACCEPTED) });
}

function revisionOf(text: string | null): number {
  if (text === null || text === "") return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `revision: expected a whole number, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

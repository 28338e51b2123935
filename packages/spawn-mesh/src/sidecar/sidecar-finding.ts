/** Finding actors that a sidecar keeps. */
import { checkActorQuery } from "../engine/care/actor-finder.ts";
import { DEADLINE_MS_DEFAULT } from "../engine/index.ts";
import type { ActorList, ActorQuery } from "../engine/index.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { errorOfJson } from "./wire-errors.ts";

/** A page of the actors of a definition. @throws {SpawnError} */
export async function findThrough(
  http: HttpExchange,
  system: string,
  query: ActorQuery,
): Promise<ActorList> {
  // What JSON leaves out would find others.
  checkActorQuery(query);
  const answer = await http.send({
    method: "POST",
    path: `/api/v1/system/${encodeURIComponent(system)}/actors/find`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(query),
    timeoutMs: DEADLINE_MS_DEFAULT,
  });
  if (answer.status !== 200) throw errorOfJson(answer);
  const { actors, after } = JSON.parse(answer.body.toString()) as ActorList;
  return { actors, after };
}

/** Finding actors that a sidecar keeps. */
import { checkActorQuery } from "../engine/care/actor-finder.ts";
import { DEADLINE_MS_DEFAULT } from "../engine/index.ts";
import type { ActorList, ActorQuery } from "../engine/index.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { objectOfJson } from "./wire-errors.ts";

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
  const isList = ({ actors }: { readonly actors?: unknown }): boolean => Array.isArray(actors);
  const { actors, after } = objectOfJson<ActorList>(answer, isList);
  return { actors, after };
}

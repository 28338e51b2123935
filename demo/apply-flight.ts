import type { ActorSystem } from "spawn-mesh";
import { airport, route, type Flight } from "./flight-actors.ts";

/** With the key, applying a flight a second time changes nothing, also after a crash in between. */
export async function applyFlight(
  actors: Pick<ActorSystem, "actor">,
  flight: Flight,
  idempotencyKey: string,
): Promise<void> {
  const { origin, destination } = flight;
  await Promise.all([
    actors.actor(airport, origin).depart(flight, { idempotencyKey }),
    actors.actor(airport, destination).arrive(flight, { idempotencyKey }),
    actors.actor(route, `${origin}-${destination}`).fly(flight, { idempotencyKey }),
  ]);
}

/** How much there is to do in an engine, now: for those who watch over it. */
import type { EngineParts } from "./activations/actor-type.ts";
import type { ActorTypes } from "./activations/actor-types.ts";

/** What an engine has to do at this moment. */
export interface EngineLoad {
  /** Actors in memory. */
  readonly activeActors: number;
  /** Invocations that wait for their turn. */
  readonly queued: number;
  /** Messages on their way to their actors. */
  readonly deliveries: number;
}

export function loadOf(
  types: ActorTypes,
  { admission, outbox }: Pick<EngineParts, "admission" | "outbox">,
): EngineLoad {
  let activeActors = 0;
  for (const { liveCount } of types.all) activeActors += liveCount;
  return { activeActors, queued: admission.queued, deliveries: outbox.underWay };
}

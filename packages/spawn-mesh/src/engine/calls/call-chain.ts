/** Actors that wait for one another: the chain that a call carries, and what is refused because of it. */
import { actorKey, formatActorId } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { SpawnError } from "../errors.ts";

export const NO_CHAIN: readonly string[] = [];

/** The chain of a call that `actor` makes while it serves one with `chain`. */
export function lengthenChain(chain: readonly string[], actor: ActorId): readonly string[] {
  return [...chain, actorKey(actor)];
}

/** Whether `actor` waits for a call with this chain. */
export function isWaiting(chain: readonly string[], actor: ActorId): boolean {
  return chain.includes(actorKey(actor));
}

/** @throws {SpawnError} `CYCLE` when the target waits for this call, or too many wait for one another */
export function checkChain(chain: readonly string[], target: ActorId, lengthMax: number): void {
  if (isWaiting(chain, target)) {
    throw new SpawnError(
      "CYCLE",
      `${formatActorId(target)} waits for this call, so it cannot answer it; ctx.effect(…) sends without waiting`,
    );
  }
  if (chain.length > lengthMax) {
    throw new SpawnError(
      "CYCLE",
      `more than ${lengthMax} actors wait for one another in a chain of calls`,
    );
  }
}

/**
 * The stored states of many actors, one after the other, for those who look at all of them: loaded together
 * as long as they are small.
 */
import type { ActorId } from "./actor-id.ts";
import type { FoundActor } from "./actor-queries.ts";
import { isSpawnError, type SpawnError } from "./errors.ts";
import type { Statestore, StoredActor } from "./statestore.ts";

/** The most bytes of states that are loaded at once; a larger one comes alone. */
const LOADED_BYTES_MAX = 4 * 1024 * 1024;

/** A state as it was found: nothing when the actor went meanwhile, an error when its row is damaged. */
interface FoundState {
  readonly actor: ActorId;
  readonly row: StoredActor | undefined | SpawnError;
}

/** @param found with the sizes of their states */
export async function* statesInTurn(
  store: Statestore,
  system: string,
  found: readonly FoundActor[],
): AsyncGenerator<FoundState> {
  for (const group of loadableTogether(found)) {
    const actors = group.map(({ definition, name }) => ({ system, definition, name }));
    const rows = await loadEach(store, actors);
    for (const [at, actor] of actors.entries()) yield { actor, row: rows[at] };
  }
}

function loadableTogether(found: readonly FoundActor[]): readonly (readonly FoundActor[])[] {
  const groups: FoundActor[][] = [];
  let bytes = Infinity;
  for (const actor of found) {
    const { stateBytes = Infinity } = actor;
    if (bytes + stateBytes > LOADED_BYTES_MAX) groups.push([]);
    bytes = groups.at(-1)!.length === 0 ? stateBytes : bytes + stateBytes;
    groups.at(-1)!.push(actor);
  }
  return groups;
}

/** A damaged row makes a load of many fail, so then each is loaded alone. */
async function loadEach(
  store: Statestore,
  actors: readonly ActorId[],
): Promise<readonly FoundState["row"][]> {
  const queries = actors.map((actor) => ({ actor, row: true, keys: [], messages: [] }));
  try {
    return (await store.load(queries)).map(({ row }) => row);
  } catch (error) {
    if (!isSpawnError(error)) throw error;
    if (actors.length === 1) return [error];
    const rows: FoundState["row"][] = [];
    for (const actor of actors) rows.push(...(await loadEach(store, [actor])));
    return rows;
  }
}

/** Who is meant by what the wire says of an actor. */
import { SpawnError, checkName } from "spawn-mesh/engine";
import type { ActorId } from "spawn-mesh/engine";

/** An actor, as requests, effects and pipes name it. */
export interface WireTarget {
  readonly system: string;
  readonly name: string;
  /** The registered actor that it is an instance of, if the sender knows it. */
  readonly parent: string;
  /** The registered actor that it is to be an instance of, from now on. */
  readonly registerRef: string;
}

/** Finds actors by their names. */
export interface Directory {
  /** The actor; `undefined` if there is none, or its system is not here. */
  find(target: WireTarget): Promise<ActorId | undefined>;
  /** Whether an actor may send something to an action. @throws {SpawnError} `UNAUTHORIZED` */
  checkSend(source: ActorId, action: string): void;
}

/** @throws {SpawnError} `ACTOR_NOT_FOUND` */
export async function findExisting(directory: Directory, target: WireTarget): Promise<ActorId> {
  const found = await directory.find(target);
  if (found === undefined) throw notFound(target);
  return found;
}

/** The words that SDKs and their users know. */
export function notFound({ name, system }: Pick<WireTarget, "name" | "system">): SpawnError {
  return new SpawnError("ACTOR_NOT_FOUND", `Actor ${name} not found on ActorSystem ${system}`);
}

/**
 * Names that begin with `<` are the engine's and the proxy's own.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for a name that no actor of a host can have
 */
export function checkActorName(name: string): void {
  checkName("actor", name);
  if (!name.startsWith("<")) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `actor name: expected one that does not begin with "<", got ${JSON.stringify(name.slice(0, 40))}`,
  );
}

/** The name that an actor of a definition has. */
import { SpawnError, checkName } from "../engine/index.ts";
import type { AnyActor } from "./actor.ts";

/** @throws {SpawnError} `INVALID_ARGUMENT` for an instance without a name, and for a name of what is one actor */
export function nameOf(defined: AnyActor, name: string | undefined): string {
  if (defined.kind !== "unnamed") {
    if (name === undefined || name === defined.name) return defined.name;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${defined.name} is one actor, reached by that name alone; got the name ${JSON.stringify(name)}`,
    );
  }
  checkName(`${defined.name} instance`, name);
  return name;
}

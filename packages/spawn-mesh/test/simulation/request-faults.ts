/** What can go wrong with any request to the database. */
import { StoreFailure } from "../../src/engine/statestore.ts";
import type { World } from "./world.ts";

/** How long a lost request or answer is waited for. */
export const PATIENCE_MS_MIN = 20;
export const PATIENCE_MS_MAX = 300;

/** How a request fails that changes nothing. */
export function loadFailure(world: World, isExclusive: boolean): Error {
  const { choices } = world;
  world.count("fault load-error");
  if (choices.chance(0.2)) return new Error("the driver broke");
  // A database that is ours alone does not end the session while we live.
  const isFatal = !isExclusive && choices.chance(0.1);
  return new StoreFailure(isFatal ? "fatal" : "retry", "the load failed");
}

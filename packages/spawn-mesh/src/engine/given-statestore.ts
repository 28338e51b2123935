import { SpawnError } from "./errors.ts";

/**
 * What somebody takes for a statestore may be its address.
 *
 * @param what whose it is, as its user calls it
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function checkStatestore(what: string, store: unknown): void {
  if (typeof Object(store).open === "function") return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${what}: expected a statestore, such as statestoreFromUrl("postgres://…") of spawn-mesh/statestores; got ${typeof store}`,
  );
}

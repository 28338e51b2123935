import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";

/** A failure of the statestore as an error of the platform; others, of streams for example, as they are. */
export function translated(what: string, error: unknown): unknown {
  if (!(error instanceof StoreFailure)) return error;
  return new SpawnError("STATESTORE_UNAVAILABLE", `${what}: ${describeThrown(error)}`, {
    cause: error,
  });
}

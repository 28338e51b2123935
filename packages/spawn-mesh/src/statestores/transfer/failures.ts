import { formatActorId } from "../../engine/actor-id.ts";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import { StoreFailure } from "../../engine/statestore.ts";
import type { SystemRow } from "../../engine/system-rows.ts";

/** A failure of the statestore as an error of the platform; others, of streams for example, as they are. */
export function translated(what: string, error: unknown): unknown {
  if (!(error instanceof StoreFailure)) return error;
  return new SpawnError("STATESTORE_UNAVAILABLE", `${what}: ${describeThrown(error)}`, {
    cause: error,
  });
}

/** A row in an error's text. */
export function describeRow(row: SystemRow): string {
  switch (row.kind) {
    case "state":
      return `the state of ${formatActorId(row.actor)}`;
    case "revision":
      return `revision ${row.stored.revision} of ${formatActorId(row.actor)}`;
    case "index":
      return `an index entry of ${formatActorId(row.actor)}`;
    case "reply":
      return `a stored reply of ${formatActorId(row.actor)}`;
    case "message":
    case "parked":
      return `the message ${row.stored.id}`;
  }
}

import { formatActorId } from "../../engine/actor-id.ts";
import { describeThrown, isSpawnError, SpawnError } from "../../engine/errors.ts";
import type { SystemRow } from "../../engine/system-rows.ts";

/** What a statestore throws, as an error of the platform. */
export function asSpawnError(what: string, error: unknown): SpawnError {
  if (isSpawnError(error)) return error;
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
    case "reply":
      return `a stored reply of ${formatActorId(row.actor)}`;
    case "message":
    case "parked":
      return `the message ${row.stored.id}`;
  }
}

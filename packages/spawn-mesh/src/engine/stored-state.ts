import type { StateDefinition } from "./actor-definition.ts";
import { SpawnError, describeThrown } from "./errors.ts";
import type { StoredState } from "./statestore.ts";

/**
 * Today's state from a stored one, migrated when it is of an older version.
 *
 * @throws {SpawnError} `STATE_CORRUPT` when this program cannot read it: an unknown codec, a newer
 * version, damaged bytes, or a migration that throws. The row is left untouched.
 */
export function decodeStored(definition: StateDefinition, stored: StoredState): unknown {
  if (stored.codec !== "json" || typeof stored.state !== "string") {
    throw new SpawnError("STATE_CORRUPT", `the state is stored as ${stored.codec}, expected json`);
  }
  if (stored.stateVersion > definition.version) {
    throw new SpawnError(
      "STATE_CORRUPT",
      `the state is of version ${stored.stateVersion}, this program knows versions up to ${definition.version}; run a newer one`,
    );
  }
  const state = parseState(stored.state);
  if (stored.stateVersion === definition.version) return state;
  try {
    return definition.migrate(state, stored.stateVersion);
  } catch (error) {
    throw new SpawnError(
      "STATE_CORRUPT",
      `the migration from version ${stored.stateVersion} to ${definition.version} failed: ${describeThrown(error)}`,
      { cause: error },
    );
  }
}

function parseState(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SpawnError(
      "STATE_CORRUPT",
      `the stored state is not JSON: ${describeThrown(error)}`,
      { cause: error },
    );
  }
}

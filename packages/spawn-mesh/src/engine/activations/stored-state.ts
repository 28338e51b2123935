import type { StateDefinition } from "../actor-definition.ts";
import { SpawnError, describeThrown } from "../errors.ts";
import { isSealed, unreadable } from "../sealed-rows.ts";
import type { StateCodec } from "../state-codec.ts";
import type { StateBytes, StoredState } from "../statestore.ts";

/**
 * Today's state from a stored one, migrated when it is of an older version.
 *
 * @throws {SpawnError} `STATE_CORRUPT` when this program cannot read it: encrypted, an unknown codec, a newer
 * version, damaged bytes, or a migration that throws. The row is left untouched.
 */
export function decodeStored(definition: StateDefinition, stored: StoredState): unknown {
  const { codec } = definition;
  if (stored.problem !== undefined) throw new SpawnError("STATE_CORRUPT", stored.problem);
  if (isSealed(stored.state)) throw unreadable("the state", stored.state);
  if (stored.codec !== codec.name || stored.state === undefined) {
    const isLost = stored.state === undefined;
    const problem = `the state is stored as ${stored.codec}, expected ${codec.name}`;
    throw new SpawnError("STATE_CORRUPT", isLost ? "the row has lost its state" : problem);
  }
  if (!Number.isInteger(stored.stateVersion) || stored.stateVersion < 1) {
    throw new SpawnError(
      "STATE_CORRUPT",
      `the state is of version ${stored.stateVersion}, expected a whole number from 1`,
    );
  }
  if (stored.stateVersion > definition.version) {
    throw new SpawnError(
      "STATE_CORRUPT",
      `the state is of version ${stored.stateVersion}, this program knows versions up to ${definition.version}; run a newer one`,
    );
  }
  const state = decodeState(codec, stored.state);
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

function decodeState(codec: StateCodec, bytes: StateBytes): unknown {
  try {
    return codec.decode(bytes);
  } catch (error) {
    throw new SpawnError(
      "STATE_CORRUPT",
      `the stored state is not ${codec.name}: ${describeThrown(error)}`,
      { cause: error },
    );
  }
}

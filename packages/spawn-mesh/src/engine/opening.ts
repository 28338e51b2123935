/** How an actor begins: from its stored row or from nothing, and then with `init`. */
import type { ActionFunction, StateDefinition } from "./actor-definition.ts";
import { Invocation } from "./invocation.ts";
import type { Caller } from "./invocation.ts";
import type { StateBytes, StoredActor } from "./statestore.ts";
import { decodeStored } from "./stored-state.ts";

/** For how long `init` may run, in milliseconds. */
export const INIT_MS_MAX = 60_000;

interface FirstState {
  readonly state: unknown;
  readonly bytes: StateBytes;
}

/**
 * The state of an actor that comes to life, decoded and as bytes. A migrated state is as good as
 * stored: it is derived from the row again after each load, until a commit stores it.
 *
 * @throws {SpawnError} `STATE_CORRUPT`, `INVALID_ARGUMENT`, and what the definition's functions throw
 */
export function firstState(definition: StateDefinition, row: StoredActor | undefined): FirstState {
  if (row?.state === undefined) return byValue(definition, definition.initial());
  const state = decodeStored(definition, row);
  return row.stateVersion === definition.version
    ? { state, bytes: row.state }
    : byValue(definition, state);
}

/** A factory or migration may give the same object to all, and no actor may change it. */
function byValue({ codec }: StateDefinition, state: unknown): FirstState {
  const bytes = codec.encode(state);
  return { state: codec.decode(bytes), bytes };
}

/** `init` as an invocation that the actor makes to itself. */
export function initInvocation(
  init: ActionFunction,
  deadlineAt: number,
  caller: Caller,
): Invocation {
  const action = { name: "init", isRead: false, parse: undefined, run: init };
  return new Invocation(
    { action, payload: undefined, units: 0, deadlineAt, details: undefined },
    caller,
  );
}

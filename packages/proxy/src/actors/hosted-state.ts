/** The state of an actor as the engine holds it beside its host: text that only hosts look into. */
import { SpawnError } from "spawn-mesh/engine";
import type { StateCodec } from "spawn-mesh/engine";

export class HostedState {
  /** As it is stored, and as it goes to the host and comes back. */
  readonly text: string;
  /** The fields that its host finds the actor by; `undefined` when that has not told them. */
  readonly index: unknown;

  constructor(text: string, index?: unknown) {
    this.text = text;
    this.index = index;
  }
}

export const hostedCodec: StateCodec = {
  name: "json",
  encode: (state) => (state as HostedState).text,
  decode: (bytes) => new HostedState(bytes as string),
  isSame: (left, right) => left === right,
};

/**
 * The index of a definition whose host makes the fields. One that does not may have begun before another one
 * registered that does: the action can run again there.
 *
 * @throws {SpawnError} `HOST_UNAVAILABLE`
 */
export function indexOfHost(state: unknown): unknown {
  const { index } = state as HostedState;
  if (index !== undefined) return index;
  throw new SpawnError(
    "HOST_UNAVAILABLE",
    "only a host can make the fields that an actor is found by, and this one has not told them",
  );
}

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

/** The index of a definition whose host makes the fields. @throws {SpawnError} `INVALID_ARGUMENT` */
export function indexOfHost(state: unknown): unknown {
  const { index } = state as HostedState;
  if (index !== undefined) return index;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    "index: only its host can make the fields of this state, and has not told them",
  );
}

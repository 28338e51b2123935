/**
 * PORT: how a state becomes bytes and comes back.
 *
 * The bytes are the truth: they are compared to see whether an action changed anything, they are
 * what is committed, and the state is made of them again after an action has failed.
 */
import type { Codec, StateBytes } from "./statestore.ts";
import { encodeValue } from "./values/values.ts";

/** How a state becomes bytes, and a state again. */
export interface StateCodec {
  /** Stored with the state, so that nobody takes the bytes for something else. */
  readonly name: Codec;
  /** The bytes of a state. @throws {SpawnError} `INVALID_ARGUMENT` with the path to what cannot be encoded */
  encode(state: unknown): StateBytes;
  /** A new state of its own. @throws when the bytes are none of this codec's */
  decode(bytes: StateBytes): unknown;
  /** Whether two encoded states are the same. */
  isSame(left: StateBytes, right: StateBytes): boolean;
}

/** States as JSON text. */
export const jsonCodec: StateCodec = {
  name: "json",
  encode: (state) => encodeValue(state, "state"),
  decode(bytes) {
    if (typeof bytes !== "string") throw new TypeError("expected JSON text, got bytes");
    return JSON.parse(bytes);
  },
  isSame: (left, right) => left === right,
};

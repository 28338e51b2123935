/**
 * Frames: what our SDK and our proxy say to one another over one connection, in both directions.
 *
 *     bytes of the body   4 bytes, big-endian, as the id
 *     kind                1 byte
 *     id                  4 bytes: the request that it is, or belongs to; who asks chooses it
 *     body                a message of the protocol, encoded
 */

/** What a connection becomes by HTTP's `Upgrade`; the number changes when an older end could not follow. */
export const STREAM_PROTOCOL = "spawn-mesh-stream/1";

/** Where the proxy is asked for a stream. */
export const STREAM_PATH = "/api/v1/stream";

/** With this header a program is known again when it connects anew. */
export const PROGRAM_HEADER = "spawn-program";

/** The bytes before the body of a frame. */
export const HEAD_BYTES = 9;

/** Numbers stay for ever. A frame of a kind that an end does not know ends the stream. */
export const FrameKind = {
  /** To the proxy: an `InvocationRequest`. */
  invoke: 1,
  /** To the proxy: a `RegistrationRequest`. This program hosts the actors in it. */
  register: 2,
  /** To a host: an `ActorInvocation`. */
  run: 3,
  /** To the proxy: this program begins no more runs. The answer comes behind the last that was sent. */
  leaving: 4,
  /** The answer to a request. */
  done: 8,
  /** The answer to a request that failed, with the fields of `Refusal` behind those of the answer. */
  failed: 9,
  /** A run that was certainly not begun. */
  declined: 10,
  /** Nobody waits for the answer any more. */
  cancel: 16,
  /** Nothing but that this end is there. */
  beat: 18,
} as const;

export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/**
 * What is asked of a call of gRPC before its message is read, how long that may take to come, how much of
 * messages is kept until then, and how long an answer may take to be read.
 */
import assert from "node:assert";
import { Readable } from "node:stream";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import type {
  Responder,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  ServerListener,
} from "@grpc/grpc-js";
import { SpawnError } from "spawn-mesh/engine";
import { TOO_MANY_UNFINISHED, UnfinishedBytes } from "../unfinished-bytes.ts";
import type { UnreadAnswers } from "../unread-answers.ts";
import type { Identify } from "./grpc-methods.ts";
import { serviceError } from "./grpc-status.ts";

export interface CallBounds {
  readonly identify: Identify;
  /** The methods that answer everybody. */
  readonly publicPaths: ReadonlySet<string>;
  /** The largest message, in bytes. */
  readonly messageBytesMax: number;
  /** How long the message of a unary call may take to come, in milliseconds. */
  readonly transferMsMax: number;
  readonly unread: UnreadAnswers;
  /** Ends the connection of a peer. */
  readonly hangUp: (peer: string) => void;
}

/** Before each message: whether it is compressed, and its length. */
const MESSAGE_HEAD_BYTES = 5;

export function boundedCalls(bounds: CallBounds): ServerInterceptor {
  const { identify, publicPaths, messageBytesMax, transferMsMax } = bounds;
  return ({ path, requestStream }, call) => {
    let late: NodeJS.Timeout | undefined;
    const refuse = (error: unknown): void => call.sendStatus(serviceError(error));
    const coming = new ComingMessages(call, messageBytesMax, () => {
      refuse(new SpawnError("OVERLOADED", TOO_MANY_UNFINISHED));
    });
    const listener: ServerListener = {
      onReceiveMetadata(metadata, next) {
        try {
          const [authorization] = metadata.get("authorization").map(String);
          if (!publicPaths.has(path)) identify(call.getPeer(), authorization);
        } catch (error) {
          return refuse(error);
        }
        // Between the messages of a stream there may be days.
        if (!requestStream) late = setTimeout(() => refuse(tooLate()), transferMsMax);
        next(metadata);
      },
      onReceiveMessage(message: Uint8Array, next) {
        clearTimeout(late);
        coming.took(message.length + MESSAGE_HEAD_BYTES);
        next(message);
      },
      onCancel() {
        clearTimeout(late);
        coming.end();
        bounded.end();
      },
    };
    const bounded = new BoundedCall(call, { start: (next) => next(listener) }, bounds);
    return bounded;
  };
}

/** What has come of the messages of a call and was not taken. */
class ComingMessages {
  readonly #unfinished: UnfinishedBytes;
  readonly #refuse: () => void;
  #bytes = 0;
  #isOver = false;

  /** @param refuse ends the call when the messages of all calls are too much */
  constructor(call: ServerInterceptingCallInterface, bytesMax: number, refuse: () => void) {
    this.#unfinished = new UnfinishedBytes(bytesMax);
    this.#refuse = refuse;
    incomingOf(call).on("data", ({ length }: Buffer) => this.#came(length));
  }

  /** A message is whole. One that was compressed is longer than what came. */
  took(bytes: number): void {
    this.#keep(Math.max(0, this.#bytes - bytes));
  }

  /** Nothing of it is kept any more. */
  end(): void {
    this.#isOver = true;
    this.#unfinished.keep(0);
  }

  #came(bytes: number): void {
    if (this.#isOver || this.#keep(this.#bytes + bytes)) return;
    this.end();
    this.#refuse();
  }

  #keep(bytes: number): boolean {
    this.#bytes = bytes;
    return this.#unfinished.keep(bytes);
  }
}

/** grpc-js tells nobody of a message before it is whole; only the stream below knows how much there is of it. */
function incomingOf(call: ServerInterceptingCallInterface): Readable {
  const { stream } = call as unknown as { readonly stream?: unknown };
  assert(stream instanceof Readable);
  return stream;
}

function tooLate(): SpawnError {
  return new SpawnError("DEADLINE_EXCEEDED", "the message has not come to its end in time");
}

class BoundedCall extends ServerInterceptingCall {
  readonly #bounds: CallBounds;
  #wasRead: (() => void) | undefined;

  constructor(call: ServerInterceptingCallInterface, responder: Responder, bounds: CallBounds) {
    super(call, responder);
    this.#bounds = bounds;
  }

  override sendMessage(message: Uint8Array, callback: () => void): void {
    const { unread, hangUp } = this.#bounds;
    const wasRead = unread.add(message.length, () => hangUp(this.getPeer()));
    this.#wasRead = wasRead;
    super.sendMessage(message, () => {
      wasRead();
      callback();
    });
  }

  /** Nothing of it is read any more. */
  end(): void {
    this.#wasRead?.();
  }
}

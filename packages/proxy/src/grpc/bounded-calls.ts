/**
 * What is asked of a call of gRPC before its message is read, how long that may take to come, how much of
 * messages is kept until then, and how long an answer may take to be read.
 */
import { ServerInterceptingCall } from "@grpc/grpc-js";
import type {
  Responder,
  ServerInterceptingCallInterface,
  ServerInterceptor,
  ServerListener,
} from "@grpc/grpc-js";
import { SpawnError } from "spawn-mesh/engine";
import { IDEMPOTENCY_KEY } from "../call-metadata.ts";
import { TOO_MANY_UNFINISHED } from "../http/unfinished-bytes.ts";
import type { UnreadAnswers } from "../http/unread-answers.ts";
import { ComingMessages } from "./coming-messages.ts";
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

export function boundedCalls(bounds: CallBounds): ServerInterceptor {
  const { identify, publicPaths, messageBytesMax, transferMsMax } = bounds;
  return ({ path, requestStream }, call) => {
    let late: NodeJS.Timeout | undefined;
    let key: { readonly idempotencyKey?: string } = {};
    const refuse = (error: unknown): void => call.sendStatus(serviceError(error, key));
    const coming = new ComingMessages(call, messageBytesMax, () => {
      refuse(new SpawnError("OVERLOADED", TOO_MANY_UNFINISHED));
    });
    const listener: ServerListener = {
      onReceiveMetadata(metadata, next) {
        const [idempotencyKey] = metadata.get(IDEMPOTENCY_KEY).map(String);
        if (idempotencyKey !== undefined) key = { idempotencyKey };
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
        coming.took(message);
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

/** What has come of the messages of a call of gRPC and was not taken: it counts with other unfinished bodies. */
import assert from "node:assert";
import { constants } from "node:http2";
import type { ServerHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { UnfinishedBytes } from "../unfinished-bytes.ts";

/** Before each message: whether it is compressed, and its length. */
const MESSAGE_HEAD_BYTES = 5;
/** Time for an answer to be sent, in milliseconds. */
const FAREWELL_MS = 1_000;

export class ComingMessages {
  readonly #stream: ServerHttp2Stream;
  readonly #unfinished: UnfinishedBytes;
  readonly #refuse: () => void;
  #bytes = 0;
  #isOver = false;

  /** @param refuse ends the call when the messages of all calls are too much */
  constructor(call: ServerInterceptingCallInterface, bytesMax: number, refuse: () => void) {
    this.#unfinished = new UnfinishedBytes(bytesMax);
    this.#refuse = refuse;
    this.#stream = streamOf(call);
    this.#stream.on("data", ({ length }: Buffer) => this.#came(length));
  }

  /** A message is whole. One that was compressed is longer than what came. */
  took({ length }: Uint8Array): void {
    if (this.#isOver) return;
    this.#keep(Math.max(0, this.#bytes - MESSAGE_HEAD_BYTES - length));
  }

  /** The call has its answer. A client that has not said all by then has a moment to end it; nothing more is kept. */
  end(): void {
    this.#isOver = true;
    this.#unfinished.keep(0);
    if (this.#stream.readableEnded) return;
    // What closes it goes before an answer that is still to be sent.
    setTimeout(() => this.#stream.close(constants.NGHTTP2_NO_ERROR), FAREWELL_MS).unref();
  }

  #came(bytes: number): void {
    if (this.#isOver || this.#keep(this.#bytes + bytes)) return;
    this.#isOver = true;
    this.#refuse();
  }

  #keep(bytes: number): boolean {
    this.#bytes = bytes;
    return this.#unfinished.keep(bytes);
  }
}

/** grpc-js tells nobody of a message before it is whole; only the stream below knows how much there is of it. */
function streamOf(call: ServerInterceptingCallInterface): ServerHttp2Stream {
  const { stream } = call as unknown as { readonly stream?: ServerHttp2Stream };
  assert(stream instanceof Duplex);
  return stream;
}

/** What has come of the messages of a call of gRPC and was not taken: it counts with other unfinished bodies. */
import assert from "node:assert";
import { Readable } from "node:stream";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { UnfinishedBytes } from "../unfinished-bytes.ts";

/** Before each message: whether it is compressed, and its length. */
const MESSAGE_HEAD_BYTES = 5;

export class ComingMessages {
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
  took({ length }: Uint8Array): void {
    this.#keep(Math.max(0, this.#bytes - MESSAGE_HEAD_BYTES - length));
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

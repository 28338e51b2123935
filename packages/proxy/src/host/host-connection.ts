/** One connection to a host: one request at a time, each written at once. */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { ResponseReader } from "./http-response.ts";
import type { BadResponse, HttpResponse } from "./http-response.ts";

/** Where a host listens. */
export interface HostAddress {
  readonly host: string;
  readonly port: number;
}

/** What is certain of a request that was not answered. */
export type ExchangeFailure =
  /** There was no connection, so nothing was sent. */
  | "unsent"
  /** An idle connection was closed by the host at the moment of the request, before it answered anything. */
  | "stale"
  /** It may have been received. */
  | "broken";

/** A request that was not answered. */
export class ExchangeError extends Error {
  readonly failure: ExchangeFailure;

  constructor(failure: ExchangeFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

/**
 * How soon after a request the end of an idle connection is heard if it came first, in milliseconds. One
 * that ends later is a host that has died over the request.
 */
const STALE_WITHIN_MS = 250;

/**
 * What a socket has received is here until it is copied, at once: a buffer of its own for everything that
 * is read is dearer than the reading.
 */
const received = Buffer.allocUnsafeSlow(64 * 1024);

interface Exchange {
  readonly reader: ResponseReader;
  resolve(response: HttpResponse): void;
  reject(error: Error): void;
}

export class HostConnection {
  readonly #socket: Socket;
  readonly #bodyBytesMax: number;
  #exchange: Exchange | undefined;
  #isConnected = false;
  #isClosed = false;
  /** Whether a request was answered on it. */
  #isUsed = false;
  #hasReceived = false;
  #sentAt = 0;
  /** When it became idle (monotonic milliseconds). */
  idleSince = 0;

  constructor(address: HostAddress, bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax;
    this.#socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: received,
        callback: (count) => {
          this.#receive(Buffer.from(received.subarray(0, count)));
          return true;
        },
      },
    });
    this.#socket.on("connect", () => {
      this.#isConnected = true;
    });
    this.#socket.on("error", (error: Error) => this.#end(error.message));
    this.#socket.on("end", () => this.#endOfStream());
    this.#socket.on("close", () => this.#end("the connection was closed"));
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** Sends a request, and answers its response. Only one is under way at a time. */
  send(request: Buffer): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        // Since it was chosen: nothing of this request was sent.
        return reject(new ExchangeError("stale", "the connection was closed"));
      }
      this.#hasReceived = false;
      this.#sentAt = performance.now();
      this.#exchange = { reader: new ResponseReader(this.#bodyBytesMax), resolve, reject };
      this.#socket.write(request);
    });
  }

  /** Gives up what is under way. */
  close(): void {
    this.#end("the request was given up");
  }

  #receive(bytes: Buffer): void {
    this.#hasReceived = true;
    const exchange = this.#exchange;
    // Nobody has asked for it.
    if (exchange === undefined) return this.#end("");
    let response: HttpResponse | undefined;
    try {
      response = exchange.reader.read(bytes);
    } catch (error) {
      this.#exchange = undefined;
      exchange.reject(error as BadResponse);
      return this.#end("");
    }
    if (response !== undefined) this.#answer(exchange, response);
  }

  #answer(exchange: Exchange, response: HttpResponse): void {
    this.#exchange = undefined;
    this.#isUsed = true;
    if (!response.isReusable) this.#end("");
    exchange.resolve(response);
  }

  /** The host has said all that it will say, which completes a response that has no length. */
  #endOfStream(): void {
    const response = this.#exchange?.reader.end();
    if (response === undefined) this.#end("the host closed the connection");
    else this.#answer(this.#exchange!, response);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.reject(new ExchangeError(this.#failure, reason));
  }

  get #failure(): ExchangeFailure {
    if (!this.#isConnected) return "unsent";
    const isAtOnce = performance.now() - this.#sentAt < STALE_WITHIN_MS;
    return this.#isUsed && !this.#hasReceived && isAtOnce ? "stale" : "broken";
  }
}

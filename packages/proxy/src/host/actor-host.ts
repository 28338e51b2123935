/**
 * A host: the program beside the proxy that runs the actions of its actors.
 *
 * Some SDKs read one piece of data as one request, and close connections that are idle for a few seconds.
 * So a request is one write with its length, and a connection that was idle for a second is not used
 * again. One that the host closes in the same moment, before it has said a word, has certainly run
 * nothing: the request goes once more, on a new connection.
 */
import type { Cancellation } from "spawn-mesh/engine";
import type { Spelling } from "spawn-mesh/protocol";
import type { Observer } from "../observability/observer.ts";
import { traceHeaders } from "../observability/trace-context.ts";
import { HostConnection, ExchangeError } from "./host-connection.ts";
import type { HostAddress } from "./host-connection.ts";
import { HostUnavailable } from "./host-program.ts";
import type { HostCall, HostProgram } from "./host-program.ts";
import type { HttpResponse } from "./http-response.ts";
import { RunPlaces } from "./run-places.ts";

/** Every bound of what the proxy asks of one host. */
interface HostLimits {
  /** Requests that are worked on at once, each with a connection; more wait for one. */
  readonly connectionsMax: number;
  /** For how long a connection is kept that nobody uses, in milliseconds. */
  readonly idleMsMax: number;
  /** The largest answer, in bytes. */
  readonly answerBytesMax: number;
}

export interface ActorHostOptions extends HostLimits {
  readonly observer: Observer;
}

const SWEEP_PERIOD_MS = 250;
const ACTIONS_PATH = "/api/v1/actors/actions";

export class ActorHost implements HostProgram {
  readonly place: HostAddress;
  readonly name: string;
  /** Who listens is known when it is asked. */
  readonly isGone = false;
  spelling: Spelling = "eigr.functions.protocol";
  readonly #limits: ActorHostOptions;
  readonly #idle: HostConnection[] = [];
  readonly #places: RunPlaces;
  #sweep: NodeJS.Timeout | undefined;
  readonly #head: string;

  constructor(address: HostAddress, limits: ActorHostOptions) {
    this.place = address;
    this.#limits = limits;
    this.#places = new RunPlaces(() => limits.connectionsMax);
    this.name = nameOf(address);
    this.#head = `POST ${ACTIONS_PATH} HTTP/1.1\r\nhost: ${this.name}\r\ncontent-type: application/octet-stream\r\nconnection: keep-alive\r\n`;
  }

  call(call: HostCall, cancellation: Cancellation): Promise<HttpResponse> {
    return this.#limits.observer.hostCall({ ...call, host: this.name }, (context) =>
      this.#ask(this.#requestOf(call.body, traceHeaders(context)), cancellation),
    );
  }

  async #ask(request: Buffer, cancellation: Cancellation): Promise<HttpResponse> {
    const place = this.#places.take(cancellation);
    if (place !== undefined) await place;
    try {
      return await this.#exchange(this.#idleConnection(), request, cancellation);
    } finally {
      this.#places.release();
      this.#closeSurplus();
    }
  }

  /** @param idle a connection that the host may have closed meanwhile: then the request goes once more */
  async #exchange(
    idle: HostConnection | undefined,
    request: Buffer,
    cancellation: Cancellation,
  ): Promise<HttpResponse> {
    const used = idle ?? this.#connect();
    cancellation.listener = () => used.close();
    if (cancellation.reason !== undefined) used.close();
    try {
      return await used.send(request);
    } catch (error) {
      if (cancellation.reason !== undefined) throw cancellation.reason;
      if (!(error instanceof ExchangeError)) throw error;
      if (error.failure !== "stale" || idle === undefined) throw this.#unavailable(error);
    } finally {
      cancellation.listener = undefined;
      if (used.isOpen) this.#keep(used);
    }
    return await this.#exchange(undefined, request, cancellation);
  }

  beginWait(): void {
    this.#places.beginWait();
  }

  endWait(): void {
    this.#places.endWait();
  }

  /** Closes what is idle; what is under way goes on. */
  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  #idleConnection(): HostConnection | undefined {
    const oldest = performance.now() - this.#limits.idleMsMax;
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.isOpen && idle.idleSince > oldest) return idle;
      idle.close();
    }
    return undefined;
  }

  #connect(): HostConnection {
    return new HostConnection(this.place, this.#limits.answerBytesMax);
  }

  #keep(connection: HostConnection): void {
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#closeIdle(), SWEEP_PERIOD_MS).unref();
  }

  /** There are more than runs may need when some had to be let in besides. */
  #closeSurplus(): void {
    const surplus = this.#idle.length + this.#places.running - this.#limits.connectionsMax;
    for (const idle of this.#idle.splice(0, surplus > 0 ? surplus : 0)) idle.close();
  }

  #closeIdle(): void {
    const oldest = performance.now() + SWEEP_PERIOD_MS - this.#limits.idleMsMax;
    while (this.#idle.length > 0 && this.#idle[0]!.idleSince < oldest) this.#idle.shift()!.close();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #requestOf(body: Uint8Array, headers: string): Buffer {
    const head = `${this.#head}${headers}content-length: ${body.length}\r\n\r\n`;
    const request = Buffer.allocUnsafe(head.length + body.length);
    request.write(head, "latin1");
    request.set(body, head.length);
    return request;
  }

  #unavailable({ message, failure }: ExchangeError): HostUnavailable {
    const what = failure === "unsent" ? "cannot be reached" : "has not answered";
    const isUnsent = failure !== "broken";
    return new HostUnavailable(`the host ${this.name} ${what}: ${message}`, isUnsent);
  }
}

function nameOf({ host, port }: HostAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

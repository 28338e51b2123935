/**
 * The HTTP server: reads requests within their limits, finds their route, and sends answers.
 *
 * Whatever is wrong with a request, it gets an answer that its SDK can decode.
 */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as TlsServer } from "node:https";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { asSpawnError, failureAnswer } from "./answers.ts";
import type { Answer } from "./answers.ts";
import { besideKey, inDoubt } from "../beside-key.ts";
import type { ListenAddress } from "../config.ts";
import { unexpected } from "../observability/log.ts";
import type { Log } from "../observability/log.ts";
import { refusingMalformed } from "./malformed-requests.ts";
import { readBody } from "./request-body.ts";
import { keyIn } from "./request-headers.ts";
import { compiled, matches, noRoute, paramsOf } from "./route.ts";
import type { CompiledRoute, Route } from "./route.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import { CheckedConnections } from "../security/checked-connections.ts";
import { tellingFailedHandshakes } from "../security/failed-handshakes.ts";
import type { Guard } from "../security/guard.ts";
import { NOBODY } from "../security/identity.ts";
import { peerOf } from "../security/peer.ts";
import type { Peer } from "../security/peer.ts";
import { sparingLog } from "../observability/sparing-log.ts";
import { transferTimeouts } from "./transfer-timeouts.ts";
import type { UnreadAnswers } from "./unread-answers.ts";
import { isForStream } from "../stream/streams.ts";
import type { Streams } from "../stream/streams.ts";

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly bodyBytesMax: number;
  /** How long a request may take to come, in milliseconds. */
  readonly transferMsMax: number;
  readonly unread: UnreadAnswers;
  readonly log: Log;
  /** Whether connections end with their next answer. */
  readonly isClosing: () => boolean;
  readonly guard: Guard;
  /** `undefined` for plain connections; a socket file has no others. */
  readonly tls: TlsOptions | undefined;
  /** Default: none are given. */
  readonly streams?: Streams;
}

const CONNECTIONS_MAX = 10_000;
/** Time for answers to be read when the server closes, in milliseconds; who sends half a request has it too. */
const FAREWELL_MS = 2_000;
/** Who may use a socket file if nothing else is said. */
const SOCKET_MODE = 0o600;
/** How a client names a request, so that both ends can find it again. */
const REQUEST_ID = "x-request-id";
/** Beyond it a second write is cheaper than a text. */
const ONE_WRITE_BYTES_MAX = 16 * 1024;
const NO_BODY = Buffer.alloc(0);

export class ProxyServer {
  readonly #options: ServerOptions;
  readonly #routes: readonly CompiledRoute[];
  readonly #server: Server | TlsServer;
  readonly #peers = new WeakMap<Socket, Peer>();
  readonly #checked = new CheckedConnections();
  /** How many requests of a connection are not answered to the end. */
  readonly #unanswered = new WeakMap<Socket, number>();
  /** Whoever finds a way to make requests fail can do so often. */
  readonly #tellFailure: Log;
  #isSocketFile = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#tellFailure = sparingLog(options.log);
    this.#routes = options.routes.map(compiled);
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response);
    const { tls, transferMsMax, streams } = options;
    // The answers to requests before it would get between the frames.
    const shouldUpgradeCallback = (request: IncomingMessage): boolean =>
      streams !== undefined && isForStream(request) && !this.#unanswered.has(request.socket);
    const settings = { ...transferTimeouts(transferMsMax), shouldUpgradeCallback };
    this.#server =
      tls === undefined
        ? createServer(settings, serve)
        : createTlsServer({ ...tls, ...settings }, serve);
    this.#server.on("tlsClientError", tellingFailedHandshakes(options.log));
    if (tls !== undefined) this.#checked.watch(this.#server);
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      if (this.#checked.isOutdated(socket)) return void socket.destroy();
      const facts = { peer: this.#peerOf(socket), headers: request.headers };
      streams?.begin({ facts, socket, head });
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("clientError", refusingMalformed(failureAnswer));
  }

  /** Begins to listen; answers where. @throws when the address is taken */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    this.#isSocketFile = "path" in address;
    if ("path" in address) await this.#listenAtFile(address);
    else this.#server.listen(address);
    await once(this.#server, "listening");
    const bound = this.#server.address() as AddressInfo | string;
    return typeof bound === "string" ? { path: bound } : { host: bound.address, port: bound.port };
  }

  /** The file is there with its mode: nobody can connect in between. */
  async #listenAtFile({
    path,
    mode = SOCKET_MODE,
  }: Extract<ListenAddress, { readonly path: string }>): Promise<void> {
    await removeStaleSocket(path);
    const before = process.umask(0o777 & ~mode);
    try {
      this.#server.listen({ path });
    } finally {
      process.umask(before);
    }
  }

  /**
   * New connections are made with another certificate.
   *
   * @param hasOtherAuthority whether other authorities check those of clients: then open connections end
   */
  renewTls(tls: TlsOptions, hasOtherAuthority: boolean): void {
    if (!("setSecureContext" in this.#server)) return;
    this.#server.setSecureContext(tls);
    if (!hasOtherAuthority) return;
    this.#checked.forgetAll();
    this.#server.closeIdleConnections();
  }

  /** Takes no more connections, and ends when the answers under way are sent, or nobody reads them. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#options.streams?.close();
    this.#server.closeIdleConnections();
    const farewell = setTimeout(() => this.#server.closeAllConnections(), FAREWELL_MS);
    await closed;
    clearTimeout(farewell);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#countUntilAnswered(request.socket, response);
    const [path = "", query = ""] = (request.url ?? "/").split(/\?(.*)/s);
    const parts = path.split("/");
    const found = this.#routes.filter((route) => matches(route, parts));
    const route = found.find(({ method }) => method === request.method);
    const answer =
      route === undefined
        ? noRoute(found)
        : await this.#answerBy(route, request, { parts, query: new URLSearchParams(query) });
    const isLast = !request.complete || this.#options.isClosing();
    send(response, answer, isLast || this.#checked.isOutdated(request.socket));
    this.#options.unread.watch(response);
  }

  #countUntilAnswered(socket: Socket, response: ServerResponse): void {
    this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = this.#unanswered.get(socket)! - 1;
      if (left > 0) this.#unanswered.set(socket, left);
      else this.#unanswered.delete(socket);
    });
  }

  async #answerBy(
    route: CompiledRoute,
    request: IncomingMessage,
    { parts, query }: { readonly parts: readonly string[]; readonly query: URLSearchParams },
  ): Promise<Answer> {
    const failure = route.failure ?? failureAnswer;
    try {
      const { headers } = request;
      const key = keyIn(headers);
      const peer = this.#peerOf(request.socket);
      const identity =
        route.isPublic === true ? NOBODY : this.#options.guard.authorize({ peer, headers });
      if ("refusal" in identity) return unproven(failure(inDoubt(key, identity.refusal)));
      const { bodyBytesMax } = this.#options;
      const params = paramsOf(route, parts);
      const read = (): Promise<Buffer> => readBody(request, bodyBytesMax);
      const body = route.method === "POST" ? await besideKey(key, read) : NO_BODY;
      return await route.handle({ params, query, headers, identity, peer, body });
    } catch (thrown) {
      const error = asSpawnError(thrown);
      const answer = failure(error);
      return error.code === "INTERNAL" ? this.#reported(request, thrown, answer) : answer;
    }
  }

  /** An answer with which whoever gets it can ask for what the log says. */
  #reported(
    { method, url = "", headers }: IncomingMessage,
    thrown: unknown,
    answer: Answer,
  ): Answer {
    const request = requestIdOf(headers[REQUEST_ID]);
    const path = url.replace(/\?.*/s, "");
    this.#tellFailure("error", "request-failed", { request, method, path, ...unexpected(thrown) });
    return { ...answer, headers: { ...answer.headers, [REQUEST_ID]: request } };
  }

  #peerOf(socket: Socket): Peer {
    let peer = this.#peers.get(socket);
    if (peer === undefined) {
      peer = peerOf(socket, this.#isSocketFile);
      this.#peers.set(socket, peer);
    }
    return this.#checked.provenPeer(socket, peer);
  }
}

function requestIdOf(given: string | readonly string[] | undefined): string {
  const isGiven = typeof given === "string" && /^[\w.:-]{1,128}$/.test(given);
  return isGiven ? given : randomUUID();
}

/** Nobody knows who it is, so the request is not read. */
function unproven({ headers, ...answer }: Answer): Answer {
  return { ...answer, status: 401, headers: { ...headers, "www-authenticate": "Bearer" } };
}

/** @param isLast whether the connection ends with it: what is left of a request is not read */
function send(response: ServerResponse, answer: Answer, isLast: boolean): void {
  const { status, headers, body, stream } = answer;
  if (response.destroyed) return;
  if (stream !== undefined) {
    response.writeHead(status, headers).write(body);
    return stream(response);
  }
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, {
    ...headers,
    "content-length": length,
    ...(isLast && { connection: "close" }),
  });
  if (typeof body !== "string" && length <= ONE_WRITE_BYTES_MAX) {
    // Head and body leave in one write when both are text; latin-1 is the bytes as they are.
    const bytes = Buffer.from(body.buffer, body.byteOffset, length);
    response.end(bytes.toString("latin1"), "latin1");
  } else {
    response.end(body);
  }
}

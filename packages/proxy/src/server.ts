/**
 * The HTTP server: reads requests within their limits, finds their route, and sends answers.
 *
 * Whatever is wrong with a request, it gets an answer that its SDK can decode.
 */
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { once } from "node:events";
import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { SpawnError } from "spawn-mesh/engine";
import { asSpawnError, failureAnswer } from "./answers.ts";
import type { Answer } from "./answers.ts";
import type { ListenAddress } from "./config.ts";
import type { Log } from "./log.ts";

/** A request with what its route has found in it. */
export interface RouteRequest {
  /** The parts of the path that the route names. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** `/health`, `/system/:system`: a part that begins with a colon is a parameter. */
  readonly path: string;
  handle(request: RouteRequest): Answer | Promise<Answer>;
}

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly bodyBytesMax: number;
  readonly log: Log;
  /** Whether connections end with their next answer. */
  readonly isClosing: () => boolean;
}

const CONNECTIONS_MAX = 10_000;
/** Clients that keep connections close them themselves; one that was closed under their hands is a failed call. */
const KEEP_ALIVE_MS = 65_000;
/** Time for answers to be read when the server closes, in milliseconds; who sends half a request has it too. */
const FAREWELL_MS = 2_000;
/** How much of a body that is too large is read and thrown away, in limits of a body. */
const DISCARDED_SHARE_MAX = 8;
/** How much of bodies that have not come to their end is kept at once, in limits of a body. */
const UNFINISHED_SHARE_MAX = 32;
/** Beyond it a second write is cheaper than a text. */
const ONE_WRITE_BYTES_MAX = 16 * 1024;
const NO_BODY = Buffer.alloc(0);
const NOT_FOUND: Answer = {
  status: 404,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: "Not found!",
};

interface CompiledRoute extends Route {
  readonly parts: readonly string[];
}

export class ProxyServer {
  readonly #options: ServerOptions;
  readonly #routes: readonly CompiledRoute[];
  readonly #server: Server;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#routes = options.routes.map((route) => ({ ...route, parts: route.path.split("/") }));
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("clientError", refuseMalformed);
  }

  /** Begins to listen; answers where. @throws when the address is taken */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    if ("path" in address) await removeStaleSocket(address.path);
    this.#server.listen(address);
    await once(this.#server, "listening");
    const bound = this.#server.address() as AddressInfo | string;
    return typeof bound === "string" ? { path: bound } : { host: bound.address, port: bound.port };
  }

  /** Takes no more connections, and ends when the answers under way are sent, or nobody reads them. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    const farewell = setTimeout(() => this.#server.closeAllConnections(), FAREWELL_MS);
    await closed;
    clearTimeout(farewell);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (thrown) {
      const error = asSpawnError(thrown);
      if (error.code === "INTERNAL") {
        this.#options.log("error", "request-failed", { url: request.url, error: String(thrown) });
      }
      answer = failureAnswer(error);
    }
    send(response, answer, !request.complete || this.#options.isClosing());
  }

  #answer(request: IncomingMessage): Answer | Promise<Answer> {
    const url = request.url ?? "/";
    const queryAt = url.indexOf("?");
    const path = queryAt < 0 ? url : url.slice(0, queryAt);
    const parts = path.split("/");
    const found = this.#routes.filter((route) => matches(route, parts));
    const route = found.find(({ method }) => method === request.method);
    if (route === undefined) return found.length === 0 ? NOT_FOUND : notAllowed(found);
    const { headers } = request;
    const params = paramsOf(route, parts);
    const query = new URLSearchParams(queryAt < 0 ? "" : url.slice(queryAt + 1));
    if (route.method === "GET") return route.handle({ params, query, headers, body: NO_BODY });
    return readBody(request, this.#options.bodyBytesMax).then((body) =>
      route.handle({ params, query, headers, body }),
    );
  }
}

function matches({ parts: wanted }: CompiledRoute, parts: readonly string[]): boolean {
  if (parts.length !== wanted.length) return false;
  return wanted.every((part, index) => part.startsWith(":") || part === parts[index]);
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function paramsOf(
  { parts: wanted }: CompiledRoute,
  parts: readonly string[],
): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decodedPart(parts[index]!);
  }
  return params;
}

function decodedPart(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new SpawnError("INVALID_ARGUMENT", "the path is not percent-encoded UTF-8");
  }
}

function notAllowed(routes: readonly Route[]): Answer {
  const methods = routes.map(({ method }) => method).join(", ");
  const { headers, ...refusal } = failureAnswer(
    new SpawnError("INVALID_ARGUMENT", `the path is there for ${methods} only`),
  );
  return { ...refusal, status: 405, headers: { ...headers, allow: methods } };
}

/** Bytes of all bodies that have not come to their end: nobody has yet promised anything for them. */
let unfinishedBytes = 0;

/**
 * The body of a request. One that is too large is read to its end all the same, as long as that is not
 * far: a client that is cut off while it sends does not read why.
 *
 * @throws {SpawnError} `PAYLOAD_TOO_LARGE`, `OVERLOADED`, `CANCELLED`
 */
function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let kept = 0;
    let bytes = 0;
    const keep = (count: number): void => {
      unfinishedBytes += count - kept;
      kept = count;
    };
    const refuse = (error: SpawnError): void => {
      request.pause();
      keep(0);
      chunks = [];
      reject(error);
    };
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) {
        chunks.push(chunk);
        keep(bytes);
        const isTooMuch = unfinishedBytes > bytesMax * UNFINISHED_SHARE_MAX;
        if (isTooMuch)
          refuse(new SpawnError("OVERLOADED", "too many bodies have not come to their end"));
        return;
      }
      keep(0);
      chunks = [];
      if (bytes > bytesMax * DISCARDED_SHARE_MAX) refuse(tooLarge(bytesMax));
    });
    request.on("end", () => {
      if (bytes > bytesMax) reject(tooLarge(bytesMax));
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.on("close", () => keep(0));
    request.on("error", (cause) =>
      reject(new SpawnError("CANCELLED", "the request has ended in the middle", { cause })),
    );
  });
}

function tooLarge(bytesMax: number): SpawnError {
  return new SpawnError("PAYLOAD_TOO_LARGE", `the body: expected at most ${bytesMax} bytes`);
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

/** What is no HTTP at all gets the same kind of answer, as far as it can still be sent. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const { headers, body } = failureAnswer(
    new SpawnError("INVALID_ARGUMENT", `this is no request of HTTP/1: ${error.code}`),
  );
  const fields = { ...headers, "content-length": body.length, connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 400 Bad Request\r\n${lines.join("")}\r\n`);
  socket.end(body);
}

/** A socket file that a process left behind which was killed is in the way; one that is listened at stays. */
async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect(path);
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    socket.on("connect", () => resolve(undefined));
    socket.on("error", resolve);
  });
  socket.destroy();
  // Nobody can connect to another kind of file either, and that is somebody's.
  if (error?.code === "ECONNREFUSED" && lstatSync(path).isSocket()) unlinkSync(path);
}

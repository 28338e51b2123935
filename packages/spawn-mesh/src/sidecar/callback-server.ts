/** The endpoint at which a sidecar calls the actors of this program. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SpawnError } from "../engine/index.ts";
import type { HostedActors } from "./hosted-actors.ts";
import { RunsUnderWay } from "./runs-under-way.ts";

const ACTIONS_PATH = "/api/v1/actors/actions";
/** The largest request, in bytes: a state with its payload. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** Longer than a sidecar keeps what it does not use. */
const KEEP_ALIVE_MS = 65_000;

export class CallbackServer {
  readonly #actors: HostedActors;
  readonly #server: Server;
  readonly #runs = new RunsUnderWay();
  #isStopped = false;

  constructor(actors: HostedActors) {
    this.#actors = actors;
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      void this.#serve(request, response);
    });
  }

  /**
   * Begins to listen, if it does not yet; answers at which port.
   *
   * @throws when the port is taken, and {SpawnError} `SHUTTING_DOWN` when it was stopped meanwhile
   */
  async listen(host: string, port: number): Promise<number> {
    if (!this.#server.listening) {
      this.#server.listen({ host, port });
      await once(this.#server, "listening");
    }
    if (this.#isStopped) {
      this.crash();
      throw new SpawnError("SHUTTING_DOWN", "this program takes no more runs");
    }
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more, lets what runs come to an end for so long, and closes. */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#isStopped = true;
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    await this.#runs.idle(drainTimeoutMs);
    this.#server.closeAllConnections();
    await closed;
  }

  /** Ends at once. */
  crash(): void {
    this.#isStopped = true;
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST" || request.url !== ACTIONS_PATH) {
      response.writeHead(404).end();
      return;
    }
    if (isOfPage(request)) {
      response.writeHead(403, { connection: "close" }).end();
      return;
    }
    await this.#runs.during(() => this.#run(request, response));
  }

  async #run(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) {
      response.writeHead(413, { connection: "close" }).end();
      return;
    }
    const abort = new AbortController();
    response.on("close", () => {
      if (!response.writableEnded) abort.abort(goneCaller());
    });
    const answer = await this.#actors.answer(body, abort.signal);
    response.writeHead(answer.isOk ? 200 : 500, {
      "content-type": "application/octet-stream",
      "content-length": answer.body.length,
    });
    endInOneWrite(response, answer.body);
  }
}

/** A browser sends requests of any page to every port of its machine, and says so. No sidecar does. */
function isOfPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
}

export function goneCaller(): SpawnError {
  return new SpawnError(
    "CANCELLED",
    "nobody waits for the action any more: its deadline has passed or its caller gave up",
  );
}

/** `undefined` for one that is too large, or ended in the middle: then nothing in it is an invocation. */
function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) return void chunks.push(chunk);
      request.pause();
      resolve(undefined);
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", () => resolve(undefined));
  });
}

/** Beyond it a second write is cheaper than a text. */
const ONE_WRITE_BYTES_MAX = 16 * 1024;

/** Head and body leave in one write when both are text; latin-1 is the bytes as they are. */
function endInOneWrite(response: ServerResponse, body: Uint8Array): void {
  if (body.length > ONE_WRITE_BYTES_MAX) return void response.end(body);
  const { buffer, byteOffset, byteLength } = body;
  response.end(Buffer.from(buffer, byteOffset, byteLength).toString("latin1"), "latin1");
}

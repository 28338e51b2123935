/**
 * Requests to a sidecar, over connections that are kept.
 *
 * An error says whether the request can have arrived: only one that was never sent leaves no doubt.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { SpawnError, describeThrown } from "../engine/errors.ts";
import type { SidecarAddress } from "./sidecar-address.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Gives up waiting when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up waiting after so many milliseconds. Default: never. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer whose body is still to come. */
export interface OpenAnswer extends Omit<HttpAnswer, "body"> {
  readonly stream: IncomingMessage;
}

/** Connections to one sidecar at once; more requests wait for one. */
const CONNECTIONS_MAX = 256;
/** The largest answer that is read, in bytes. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export class HttpExchange {
  readonly #address: SidecarAddress;
  readonly #agent: HttpAgent;
  #isClosed = false;

  /** @param connectionsMax how many connections it has at once */
  constructor(address: SidecarAddress, connectionsMax: number = CONNECTIONS_MAX) {
    this.#address = address;
    const options = { keepAlive: true, maxSockets: connectionsMax };
    this.#agent = address.isTls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * Sends a request and reads the answer.
   *
   * @throws {SpawnError} `NODE_UNAVAILABLE` when it was never sent, `UNKNOWN_OUTCOME` when nobody knows,
   * `CANCELLED`, `SHUTTING_DOWN` after {@link close}
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const { stream, ...answer } = await this.open(request);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) throw new Error(`more than ${ANSWER_BYTES_MAX} bytes came`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw failedExchange(error, true);
    }
    return { ...answer, body: Buffer.concat(chunks) };
  }

  /** Sends a request and answers when the head of the answer is there; its body has to be read. */
  open(request: HttpRequest): Promise<OpenAnswer> {
    const { signal, timeoutMs } = request;
    return new Promise((resolve, reject) => {
      const sending = this.#begin(request);
      const connection = watchConnection(sending);
      let ending: SpawnError | undefined;
      const giveUp = (error: SpawnError): void => {
        ending ??= error;
        sending.destroy(error);
        // One that waits for a connection says nothing of its end before it has one.
        reject(ending);
      };
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => giveUp(noAnswer(connection.isOpen)), timeoutMs);
      const onAbort = (): void => giveUp(cancelled(connection.isOpen));
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      sending.on("response", (stream) => {
        resolve({ status: stream.statusCode ?? 0, headers: stream.headers, stream });
      });
      sending.on("error", (error) => reject(ending ?? failedExchange(error, connection.isOpen)));
      sending.on("close", () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      });
      sending.end(request.body);
    });
  }

  #begin({ method, path, headers, body }: HttpRequest): ClientRequest {
    if (this.#isClosed) {
      const closed = "this client is closed: its program has ended the connections to the sidecar";
      throw new SpawnError("SHUTTING_DOWN", closed, { retryable: false });
    }
    const { isTls, target, token } = this.#address;
    return (isTls ? httpsRequest : httpRequest)({
      ...target,
      agent: this.#agent,
      method,
      path,
      headers: {
        ...headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
      },
    });
  }

  /** Closes all connections, and with them what is under way; opens no more. */
  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }
}

/** Whether the request has a connection, so that something of it can have arrived. */
export function watchConnection(sending: ClientRequest): { isOpen: boolean } {
  const watched = { isOpen: false };
  sending.on("socket", (socket: Socket) => {
    // Nothing is said to somebody whose certificate is not good.
    const opened = socket instanceof TLSSocket ? "secureConnect" : "connect";
    if (!socket.connecting) watched.isOpen = true;
    else socket.once(opened, () => (watched.isOpen = true));
  });
  return watched;
}

export function failedExchange(error: unknown, mayHaveArrived: boolean): SpawnError {
  const why = describeThrown(error) || (error as NodeJS.ErrnoException).code;
  return mayHaveArrived
    ? new SpawnError("UNKNOWN_OUTCOME", `the sidecar was lost before it had answered: ${why}`, {
        applied: "unknown",
        cause: error,
      })
    : new SpawnError("NODE_UNAVAILABLE", `the sidecar cannot be reached: ${why}`, { cause: error });
}

export function noAnswer(mayHaveArrived: boolean): SpawnError {
  return mayHaveArrived
    ? new SpawnError("UNKNOWN_OUTCOME", "the sidecar has not answered before the deadline", {
        applied: "unknown",
      })
    : new SpawnError("NODE_UNAVAILABLE", "no connection to the sidecar before the deadline");
}

export function cancelled(mayHaveArrived: boolean): SpawnError {
  const applied = mayHaveArrived ? "unknown" : "no";
  return new SpawnError("CANCELLED", "the caller gave up", { applied });
}

/**
 * A lean HTTP/1.1 client over node:net, one request in flight a connection: the load generator must
 * cost as little as it can. Understands bodies with a content-length and chunked ones.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";

interface Response {
  readonly status: number;
  readonly body: string;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Where a server listens on this machine: at a port, or at a Unix socket. */
export type LocalAddress = { readonly port: number } | { readonly path: string };

class Connection {
  readonly #socket: Socket;
  #received: Buffer | undefined;
  #resolve: ((response: Response) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  failure: Error | undefined;

  constructor(address: LocalAddress) {
    this.#socket = connect("path" in address ? address : { host: "127.0.0.1", ...address });
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("connection closed")));
  }

  send(request: string): Promise<Response> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#reject?.(this.failure);
    this.#resolve = this.#reject = undefined;
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk]);
    const response = parse(bytes);
    this.#received = response === undefined ? bytes : undefined;
    if (response === undefined) return;
    const resolve = this.#resolve;
    this.#resolve = this.#reject = undefined;
    resolve?.(response);
  }
}

/** The response in `bytes`, or `undefined` while it is not complete. */
function parse(bytes: Buffer): Response | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd).toLowerCase();
  const status = Number(head.slice(9, 12));
  const bodyStart = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  if (length !== undefined) {
    const end = bodyStart + Number(length);
    return bytes.length < end
      ? undefined
      : { status, body: bytes.toString("latin1", bodyStart, end) };
  }
  if (!head.includes("\r\ntransfer-encoding: chunked")) return { status, body: "" };
  const body = joinChunks(bytes, bodyStart);
  return body === undefined ? undefined : { status, body };
}

function joinChunks(bytes: Buffer, start: number): string | undefined {
  let body = "";
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return body;
    body += bytes.toString("latin1", lineEnd + 2, end);
    at = end + 2;
  }
}

export class LeanHttp {
  readonly #address: LocalAddress;
  readonly #connectionsMax: number;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  constructor(address: LocalAddress, connectionsMax: number) {
    this.#address = address;
    this.#connectionsMax = connectionsMax;
  }

  /** The body of the answer; bytes are characters of latin-1. @throws when its status is not 200 */
  async post(path: string, body = ""): Promise<string> {
    const connection = await this.#take();
    const type = body === "" ? "" : "content-type: application/json\r\n";
    try {
      const { status, body: answer } = await connection.send(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${type}content-length: ${body.length}\r\n\r\n${body}`,
      );
      if (status !== 200) throw new Error(`HTTP ${status}: ${answer}`);
      return answer;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(connection);
      else next(connection);
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #take(): Connection | Promise<Connection> {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.failure === undefined) return free;
      // The server closed it while it was idle.
      this.#all.delete(free);
    }
    if (this.#all.size >= this.#connectionsMax)
      return new Promise((resolve) => this.#waiting.push(resolve));
    const connection = new Connection(this.#address);
    this.#all.add(connection);
    return connection;
  }
}

/**
 * Floor of W5-stream: a proxy of `node:http` that asks a counter over one framed connection, what one turn
 * says in one write. The least that a sidecar does with a link of its own to the host, and HTTP before it.
 *
 * usage: node --conditions=@spawn-mesh/source bench/floor-double-hop-framed.ts WORKLOAD
 *        node bench/floor-double-hop-framed.ts host SOCKET
 *        node bench/floor-double-hop-framed.ts proxy PORT SOCKET-OF-HOST
 */
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import { freePort, startChild, stopChild } from "./harness/children.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { LeanHttp } from "./harness/lean-http.ts";
import { measure, seededPick } from "./harness/measure.ts";

const ACTORS = 1_000;
const CONNECTIONS = 256;
const HEAD_BYTES = 8;

/** Length, id, JSON; what one turn says leaves in one write. */
class FrameWriter {
  readonly #socket: Socket;
  #parts: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  push(id: number, text: string): void {
    const length = Buffer.byteLength(text);
    const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
    frame.writeUInt32LE(length, 0);
    frame.writeUInt32LE(id, 4);
    frame.write(text, HEAD_BYTES);
    if (this.#parts.length === 0) setImmediate(() => this.#flush());
    this.#parts.push(frame);
  }

  #flush(): void {
    const parts = this.#parts;
    this.#parts = [];
    this.#socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  }
}

function onFrames(socket: Socket, handle: (id: number, text: string) => void): void {
  let rest: Buffer | undefined;
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at - HEAD_BYTES < length) break;
      const text = bytes.toString("utf8", at + HEAD_BYTES, at + HEAD_BYTES + length);
      handle(bytes.readUInt32LE(at + 4), text);
      at += HEAD_BYTES + length;
    }
    rest = at < bytes.length ? bytes.subarray(at) : undefined;
  });
}

interface Addition {
  readonly key: string;
  readonly value: number;
}

function serveHost(path: string): void {
  const totals = new Map<string, number>();
  const server = createServer((socket) => {
    socket.setNoDelay(true).on("error", () => undefined);
    const out = new FrameWriter(socket);
    onFrames(socket, (id, text) => {
      const { key, value } = JSON.parse(text) as Addition;
      const total = (totals.get(key) ?? 0) + value;
      totals.set(key, total);
      out.push(id, JSON.stringify({ total }));
    });
  });
  server.listen(path);
}

/** Asks a host, many times at once. */
function framedClient(path: string): (addition: Addition) => Promise<unknown> {
  const waiting = new Map<number, (answer: unknown) => void>();
  let lastId = 0;
  const socket = connect(path).setNoDelay(true);
  const out = new FrameWriter(socket);
  onFrames(socket, (id, text) => {
    const resolve = waiting.get(id)!;
    waiting.delete(id);
    resolve(JSON.parse(text));
  });
  return (addition) =>
    new Promise((resolve) => {
      lastId = (lastId + 1) >>> 0;
      waiting.set(lastId, resolve);
      out.push(lastId, JSON.stringify(addition));
    });
}

function serveProxy(port: number, hostPath: string): void {
  const ask = framedClient(hostPath);
  const answer = async (key: string, body: string): Promise<string> => {
    const { value } = JSON.parse(body) as Pick<Addition, "value">;
    return JSON.stringify(await ask({ key, value }));
  };
  const server = createHttpServer((request: IncomingMessage, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => {
      void answer(request.url!, body).then((text) => {
        const headers = {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
        };
        response.writeHead(200, headers).end(text);
      });
    });
  });
  server.listen(port, "127.0.0.1");
}

async function run(name: string): Promise<void> {
  const path = join(dataFolder("double-hop-framed"), "host.sock");
  const port = await freePort();
  const program = [process.execPath, import.meta.filename] as const;
  const host = await startChild([...program, "host", path], { isReady: () => canConnect(path) });
  const http = new LeanHttp({ port }, CONNECTIONS);
  const proxy = await startChild([...program, "proxy", `${port}`, path], {
    isReady: async () => (await http.post("/ready", '{"value":1}')) !== "",
  });
  const pick = seededPick();
  await measure({
    peer: "double-hop-framed-uds",
    workload: name,
    durability: "none",
    inflight: name.endsWith("/seq") ? 1 : 64,
    actors: ACTORS,
    pids: [host.pid!, proxy.pid!],
    op: () => http.post(`/counter-${pick(ACTORS)}`, '{"value":1}'),
  });
  http.close();
  await stopChild(proxy);
  await stopChild(host);
  process.exit(0);
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

const [mode = "", where = "", hostPath = ""] = process.argv.slice(2);
if (mode === "host") serveHost(where);
else if (mode === "proxy") serveProxy(Number(where), hostPath);
else await run(mode);

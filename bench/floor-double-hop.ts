/**
 * Floor of W5: a proxy that reads a request, sends it on with undici, and sends the answer back; behind it
 * a counter. The least that a sidecar does whose client is a good one of npm.
 *
 * usage: node --conditions=@spawn-mesh/source bench/floor-double-hop.ts WORKLOAD
 *        node bench/floor-double-hop.ts host PORT
 *        node bench/floor-double-hop.ts proxy WHERE PORT-OF-HOST
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Pool } from "undici";
import { freePort, startChild, stopChild } from "./harness/children.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { LeanHttp } from "./harness/lean-http.ts";
import type { LocalAddress } from "./harness/lean-http.ts";
import { measure, seededPick } from "./harness/measure.ts";

const ACTORS = 1_000;
const CONNECTIONS = 256;

type Answering = (path: string, body: string) => string | Promise<string>;

function serve(answer: Answering, where: string): void {
  const respond = async (
    request: IncomingMessage,
    response: ServerResponse,
    body: string,
  ): Promise<void> => {
    const text = await answer(request.url!, body);
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    response.end(text);
  };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => void respond(request, response, body));
  });
  if (/^\d+$/.test(where)) server.listen(Number(where), "127.0.0.1");
  else server.listen(where);
}

function countingHost(): Answering {
  const totals = new Map<string, number>();
  return (path, body) => {
    const { value } = JSON.parse(body) as { readonly value: number };
    const total = (totals.get(path) ?? 0) + value;
    totals.set(path, total);
    return JSON.stringify({ total });
  };
}

function passingProxy(hostPort: string): Answering {
  const pool = new Pool(`http://127.0.0.1:${hostPort}`, {
    connections: CONNECTIONS,
    pipelining: 1,
  });
  const headers = { "content-type": "application/json" };
  return async (path, body) => {
    const answer = await pool.request({ method: "POST", path, body, headers });
    return await answer.body.text();
  };
}

async function run(name: string): Promise<void> {
  const hostPort = await freePort();
  const port = await freePort();
  const path = join(dataFolder("double-hop"), "proxy.sock");
  const isSocket = name.endsWith("/uds");
  const address: LocalAddress = isSocket ? { path } : { port };
  const http = new LeanHttp(address, CONNECTIONS);
  const program = [process.execPath, import.meta.filename] as const;
  const direct = new LeanHttp({ port: hostPort }, 1);
  const host = await startChild([...program, "host", `${hostPort}`], {
    isReady: async () => (await direct.post("/ready", '{"value":1}')) !== "",
  });
  direct.close();
  const where = isSocket ? path : `${port}`;
  const proxy = await startChild([...program, "proxy", where, `${hostPort}`], {
    isReady: async () => (await http.post("/ready", '{"value":1}')) !== "",
  });
  const pick = seededPick();
  await measure({
    peer: "double-hop-undici",
    workload: name,
    durability: "none",
    inflight: name === "W5-seq" ? 1 : 64,
    actors: ACTORS,
    pids: [host.pid!, proxy.pid!],
    op: () => http.post(`/counter-${pick(ACTORS)}`, '{"value":1}'),
  });
  http.close();
  await stopChild(proxy);
  await stopChild(host);
  process.exit(0);
}

const [mode = "", where = "", hostPort = ""] = process.argv.slice(2);
if (mode === "host") serve(countingHost(), where);
else if (mode === "proxy") serve(passingProxy(hostPort), where);
else await run(mode);

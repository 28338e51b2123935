/**
 * Restate, one node of its npm binary with its defaults, and a TypeScript virtual object in a second
 * process. Every call is journaled and synced: it has no other mode.
 *
 * usage: node bench/peer-restate.ts WORKLOAD
 */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { freePort, startChild, stopChild, waitFor } from "./harness/children.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { LeanHttp } from "./harness/lean-http.ts";
import { measure, seededPick } from "./harness/measure.ts";

const PEERS = join(import.meta.dirname, "peers");
const SERVER = join(PEERS, "node_modules/@restatedev/restate-server-linux-x64/bin/restate-server");
const COLD_ACTORS = 10_000;
const CONNECTIONS = 256;

const [ingress, admin, node, service] = await Promise.all([
  freePort(),
  freePort(),
  freePort(),
  freePort(),
]);

function startServer(folder: string): Promise<ChildProcess> {
  return startChild([SERVER, "--no-logo"], {
    env: {
      RESTATE_BASE_DIR: folder,
      RESTATE_DISABLE_TELEMETRY: "true",
      DO_NOT_TRACK: "1",
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_PORT: `${node}`,
      RESTATE_INGRESS__BIND_PORT: `${ingress}`,
      RESTATE_ADMIN__BIND_PORT: `${admin}`,
      RESTATE_LOG_FILTER: "error",
    },
    isReady: async () =>
      (await fetch(`http://127.0.0.1:${admin}/health`)).ok &&
      (await fetch(`http://127.0.0.1:${ingress}/restate/health`)).ok,
  });
}

async function register(): Promise<boolean> {
  const { ok } = await fetch(`http://127.0.0.1:${admin}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uri: `http://127.0.0.1:${service}` }),
  });
  return ok;
}

const folder = dataFolder("restate");
let server = await startServer(folder);
const host = await startChild(
  [process.execPath, join(PEERS, "restate-service.mjs"), `${service}`],
  {
    isReady: async () => true,
  },
);
await waitFor("the service", register);
let http = new LeanHttp({ port: ingress }, CONNECTIONS);
const add = (id: string): Promise<string> => http.post(`/Counter/${id}/add`, '{"value":1}');
await waitFor("the first call", async () => (await add("warm")) !== "");

async function run(workload: string): Promise<void> {
  const common = {
    peer: "restate-fsync",
    workload,
    durability: "RocksDB log, fsync before the reply",
    pids: [server.pid!, host.pid!],
  };
  switch (workload) {
    case "W3-seq":
      return measure({ ...common, inflight: 1, actors: 1, op: () => add("hot") });
    case "W3-hot64":
      return measure({ ...common, inflight: 64, actors: 1, op: () => add("hot") });
    case "W3-1k256": {
      const pick = seededPick();
      const prime = (index: number): unknown => add(`c${index}`);
      return measure({
        ...common,
        inflight: 256,
        actors: 1_000,
        op: () => add(`c${pick(1_000)}`),
        prime,
      });
    }
    case "W4-create":
      return measure({
        ...common,
        inflight: 256,
        actors: COLD_ACTORS,
        once: COLD_ACTORS,
        op: (index) => add(`cold${index}`),
      });
    case "W4-reload":
      return reload();
    default:
      throw new Error(`peer-restate has no workload ${workload}`);
  }
}

/** Creates, restarts the server, and reads everything back. */
async function reload(): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < COLD_ACTORS) await add(`cold${next++}`);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  http.close();
  await stopChild(server);
  server = await startServer(folder);
  http = new LeanHttp({ port: ingress }, CONNECTIONS);
  await waitFor("the restarted server", async () => (await http.post("/Counter/warm/get")) !== "");
  return measure({
    peer: "restate-fsync",
    workload: "W4-reload",
    durability: "RocksDB log, fsync before the reply",
    pids: [server.pid!, host.pid!],
    inflight: 256,
    actors: COLD_ACTORS,
    once: COLD_ACTORS,
    op: async (index) => {
      const body = await http.post(`/Counter/cold${index}/get`);
      if (!body.includes('"total":1')) throw new Error(`lost state of cold${index}: ${body}`);
    },
  });
}

await run(process.argv[2] ?? "");
http.close();
await Promise.all([stopChild(server), stopChild(host)]);

/**
 * W5: the round trip client, proxy, host, proxy, client, over Spawn's protocol, on counters at random. The
 * proxy is the program that users start; unless `durable` is said it writes behind, in memory.
 *
 * W4-hosted: the memory of an idle hosted actor, measured in the proxy.
 *
 * usage: node --expose-gc --conditions=@spawn-mesh/source bench/sidecar.ts WORKLOAD
 */
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  InvocationRequestSchema,
  InvocationResponseSchema,
  Kind,
  RegistrationRequestSchema,
  Status,
  wrapJson,
} from "spawn-mesh/protocol";
import { freePort, startChild, stopChild } from "./harness/children.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { inspectHeap } from "./harness/inspected-heap.ts";
import { LeanHttp } from "./harness/lean-http.ts";
import type { LocalAddress } from "./harness/lean-http.ts";
import { measure, seededPick } from "./harness/measure.ts";

const ACTORS = 1_000;
const COLD_ACTORS = 100_000;
const CONNECTIONS = 256;
/** What remembers where an instance was spawned leaves memory after a second. */
const SETTLE_MS = 4_000;
const SYSTEM = "bench";
const PROXY = join(import.meta.dirname, "../packages/proxy/bin/spawn-proxy.js");
const HOST = join(import.meta.dirname, "sidecar-host.ts");

const name = process.argv[2]!;
const [workload, variant] = name.split("/");
/** Rows in memory would be counted as memory of actors. */
const isOnDisk = variant === "durable" || workload === "W4-hosted";
const folder = dataFolder("sidecar");

const hostPort = await freePort();
const port = await freePort();
const path = join(folder, "spawn.sock");
const address: LocalAddress = variant === "uds" ? { path } : { port };
const http = new LeanHttp(address, CONNECTIONS);

const host = await startChild(
  [process.execPath, "--conditions=@spawn-mesh/source", HOST, `${hostPort}`],
  { isReady: async () => true },
);
const inspectorPort = await freePort();
const inspected = workload === "W4-hosted" ? [`--inspect=127.0.0.1:${inspectorPort}`] : [];
const proxy = await startChild([process.execPath, ...inspected, PROXY], {
  env: {
    PROXY_ACTOR_SYSTEM_NAME: SYSTEM,
    PROXY_HTTP_PORT: `${port}`,
    PROXY_UDS_ENABLED: `${variant === "uds"}`,
    PROXY_UDS_ADDRESS: path,
    USER_FUNCTION_PORT: `${hostPort}`,
    PROXY_DATABASE_TYPE: isOnDisk ? "sqlite" : "memory",
    PROXY_DATABASE_NAME: join(folder, "state.db"),
    SPAWN_DURABILITY: isOnDisk ? "durable" : "write-behind",
    SPAWN_PROXY_LOGGER_LEVEL: "error",
  },
  isReady: async () => {
    await register();
    return true;
  },
});

async function register(): Promise<void> {
  const id = { name: "counter", system: SYSTEM };
  const timeout = { strategy: { case: "timeout" as const, value: { timeout: 600_000n } } };
  const counter = {
    id,
    state: { state: wrapJson('{"total":0}', "eigr.functions.protocol") },
    settings: { kind: Kind.UNNAMED, stateful: true, deactivationStrategy: timeout },
    actions: [{ name: "add" }],
  };
  const message = {
    serviceInfo: {},
    actorSystem: { name: SYSTEM, registry: { actors: { counter } } },
  };
  const body = toBinary(RegistrationRequestSchema, create(RegistrationRequestSchema, message));
  await http.post("/api/v1/system", latin1(body));
}

/** The body of a call, encoded once: what is measured is the proxy. */
function callOf(actor: string): string {
  const request = create(InvocationRequestSchema, {
    system: { name: SYSTEM },
    actor: { id: { name: actor, system: SYSTEM } },
    actionName: "add",
    payload: { case: "value", value: wrapJson('{"value":1}', "eigr.functions.protocol") },
    registerRef: "counter",
  });
  return latin1(toBinary(InvocationRequestSchema, request));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

const INVOKE = `/api/v1/system/${SYSTEM}/actors/counter/invoke`;

async function checked(body: string): Promise<void> {
  const answer = fromBinary(
    InvocationResponseSchema,
    Buffer.from(await http.post(INVOKE, body), "latin1"),
  );
  if (answer.status?.status !== Status.OK) throw new Error(answer.status?.message);
}

const common = {
  peer: "spawn-mesh",
  workload: name,
  durability: isOnDisk ? "SQLite, fsync before the reply" : "write-behind, in memory",
  pids: [host.pid!, proxy.pid!],
};
if (workload === "W4-hosted") {
  const heapBytes = await inspectHeap(inspectorPort);
  const before = await heapBytes();
  await measure({
    ...common,
    inflight: 64,
    actors: COLD_ACTORS,
    once: COLD_ACTORS,
    settleMs: SETTLE_MS,
    op: (index) => http.post(INVOKE, callOf(`cold-${index}`)),
    more: async () => ({
      heapBytesPerActor: Math.round(((await heapBytes()) - before) / COLD_ACTORS),
    }),
  });
} else {
  const bodies = Array.from({ length: ACTORS }, (_, index) => callOf(`counter-${index}`));
  const pick = seededPick();
  await measure({
    ...common,
    inflight: workload === "W5-seq" ? 1 : 64,
    actors: ACTORS,
    prime: (index) => checked(bodies[index]!),
    op: () => http.post(INVOKE, bodies[pick(ACTORS)]!),
  });
}
http.close();
await stopChild(proxy);
await stopChild(host);
process.exit(0);

/**
 * W5-stream: the round trip of our SDK through `spawn-proxy`, client, proxy, host, proxy, client, over the
 * streams that the two programs open, on counters at random. It writes behind, in memory.
 *
 * usage: node --conditions=@spawn-mesh/source bench/sidecar-stream.ts WORKLOAD
 *        node --conditions=@spawn-mesh/source bench/sidecar-stream.ts host URL
 */
import { join } from "node:path";
import { actor, actorSystem, connect } from "spawn-mesh";
import { freePort, startChild, stopChild } from "./harness/children.ts";
import { dataFolder } from "./harness/data-folder.ts";
import { measure, seededPick } from "./harness/measure.ts";

const ACTORS = 1_000;
const SYSTEM = "bench";
const PROXY = join(import.meta.dirname, "../packages/proxy/bin/spawn-proxy.js");

const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  durability: "write-behind",
  deactivateTimeoutMs: 600_000,
  actions: {
    add(ctx, { value }: { value: number }) {
      ctx.state.total += value;
      return { total: ctx.state.total };
    },
  },
});

const [mode = "", sidecar = ""] = process.argv.slice(2);
if (mode === "host") await actorSystem(SYSTEM, { actors: [counter], sidecar }).start();
else await run(mode);

async function run(name: string): Promise<void> {
  const [, variant] = name.split("/");
  const port = await freePort();
  const path = join(dataFolder("stream"), "spawn.sock");
  const isTcp = variant === "tcp";
  const url = isTcp ? `http://127.0.0.1:${port}` : `unix:${path}`;
  const spawn = connect(url, { system: SYSTEM });
  const node = [process.execPath, "--conditions=@spawn-mesh/source"] as const;
  const proxy = await startChild([...node, PROXY], {
    env: {
      PROXY_ACTOR_SYSTEM_NAME: SYSTEM,
      PROXY_HTTP_PORT: `${port}`,
      PROXY_UDS_ENABLED: `${!isTcp}`,
      PROXY_UDS_ADDRESS: path,
      PROXY_DATABASE_TYPE: "memory",
      SPAWN_DURABILITY: "write-behind",
      SPAWN_PROXY_LOGGER_LEVEL: "error",
    },
    isReady: async () => true,
  });
  const host = await startChild([...node, import.meta.filename, "host", url], {
    isReady: async () => (await spawn.actor(counter, "ready").add({ value: 1 })).total > 0,
  });
  const pick = seededPick();
  await measure({
    peer: "spawn-mesh",
    workload: name,
    durability: "write-behind, in memory",
    inflight: variant === "seq" ? 1 : 64,
    actors: ACTORS,
    pids: [host.pid!, proxy.pid!],
    prime: (index) => spawn.actor(counter, `counter-${index}`).add({ value: 1 }),
    op: () => spawn.actor(counter, `counter-${pick(ACTORS)}`).add({ value: 1 }),
  });
  await spawn.close();
  await stopChild(host);
  await stopChild(proxy);
  process.exit(0);
}

/** The program `spawn-proxy`: starts a proxy as the environment says, and ends it on SIGTERM and SIGINT. */
import { isSpawnError } from "spawn-mesh/engine";
import { sayingTo } from "./arguments.ts";
import { readConfig } from "./config.ts";
import { jsonLog } from "./log.ts";
import { startProxy } from "./proxy.ts";
import type { RunningProxy } from "./proxy.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

const saying = sayingTo(process.argv.slice(2));
if (saying !== undefined) {
  (saying.status === 0 ? process.stdout : process.stderr).write(saying.text);
  process.exit(saying.status);
}

try {
  const config = readConfig();
  const starting = startProxy(config, jsonLog(config.logLevel));
  // Heeded from the start: whoever reads that it listens may end it at once.
  for (const signal of SIGNALS) process.once(signal, () => void stop(starting));
  process.on("SIGHUP", () => void reload(starting));
  await starting;
} catch (error) {
  process.stderr.write(`spawn-proxy: ${whyNotStarted(error)}\n`);
  // What is open already would keep half a proxy alive.
  process.exit(1);
}

function whyNotStarted(error: unknown): string {
  if (isSpawnError(error)) return error.message;
  const isTaken = (error as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
  const advice = isTaken
    ? "; end what listens there, or choose another PROXY_HTTP_PORT or PROXY_GRPC_PORT"
    : "";
  return `${String(error)}${advice}`;
}

/** Ends when all is stopped: what an exporter of traces still tries holds nobody up. */
async function stop(starting: Promise<RunningProxy>): Promise<void> {
  const proxy = await starting.catch(() => undefined);
  if (proxy === undefined) return;
  await proxy.stop();
  process.exit();
}

async function reload(starting: Promise<RunningProxy>): Promise<void> {
  const proxy = await starting.catch(() => undefined);
  proxy?.reload();
}

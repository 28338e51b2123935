/** The program `spawn-proxy`: starts a proxy as the environment says, and ends it on SIGTERM and SIGINT. */
import { isSpawnError } from "spawn-mesh/engine";
import { readConfig } from "./config.ts";
import { jsonLog } from "./log.ts";
import { startProxy } from "./proxy.ts";
import type { RunningProxy } from "./proxy.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

try {
  const config = readConfig();
  const proxy = await startProxy(config, jsonLog(config.logLevel));
  for (const signal of SIGNALS) process.once(signal, () => void end(proxy));
  process.on("SIGHUP", () => proxy.reload());
} catch (error) {
  process.stderr.write(`spawn-proxy: ${isSpawnError(error) ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** Ends when all is stopped: what an exporter of traces still tries holds nobody up. */
async function end(proxy: RunningProxy): Promise<void> {
  await proxy.stop();
  process.exit();
}

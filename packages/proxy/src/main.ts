/** The program `spawn-proxy`: starts a proxy as the environment says, and ends it on SIGTERM and SIGINT. */
import { isSpawnError } from "spawn-mesh/engine";
import { readConfig } from "./config.ts";
import { jsonLog } from "./log.ts";
import { startProxy } from "./proxy.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

try {
  const config = readConfig();
  const proxy = await startProxy(config, jsonLog(config.logLevel));
  for (const signal of SIGNALS) process.once(signal, () => void proxy.stop());
} catch (error) {
  process.stderr.write(`spawn-proxy: ${isSpawnError(error) ? error.message : String(error)}\n`);
  // What is open already would keep half a proxy alive.
  process.exit(1);
}

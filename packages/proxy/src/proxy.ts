/** `startProxy(config)`: puts the parts together. */
import { ActorSystems } from "./actors/actor-systems.ts";
import type { ListenAddress, ProxyConfig } from "./config.ts";
import { logEvent } from "./engine-log.ts";
import { ActorHosts } from "./host/actor-hosts.ts";
import type { Log } from "./log.ts";
import { Observer } from "./observability/observer.ts";
import { openTracer } from "./observability/open-tracer.ts";
import { ProxyMetrics } from "./observability/proxy-metrics.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeRoutes } from "./routes/invoke.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { registerRoutes } from "./routes/register.ts";
import { spawnRoutes } from "./routes/spawn.ts";
import { ProxyServer } from "./server.ts";
import { Guard } from "./security/guard.ts";
import { keepingRules } from "./security/rules-in-force.ts";
import { readTls } from "./security/tls.ts";
import { openStatestore } from "./store-config.ts";

/** A proxy that listens. */
export interface RunningProxy {
  readonly address: ListenAddress;
  /** Reads tokens, policies and certificates again. What cannot be read stays as it was. */
  reload(): void;
  /** Refuses what is new, lets what is queued run, commits, and stops. */
  stop(): Promise<void>;
}

/** Starts a proxy; it takes calls when the promise resolves. @throws {SpawnError} */
export async function startProxy(config: ProxyConfig, log: Log): Promise<RunningProxy> {
  const { system: defaultSystem, durability, clearsTags, bodyBytesMax, drainTimeoutMs } = config;
  const { security, telemetry } = config;
  let isDraining = false;
  const guard = new Guard({ ...security, rules: security.readRules() });
  const metrics = telemetry.hasMetrics ? new ProxyMetrics() : undefined;
  const tracer = await openTracer(telemetry);
  const observer = new Observer({ metrics, tracer });
  const hosts = new ActorHosts({
    observer,
    address: config.host,
    named: config.namedHosts,
    connectionsMax: config.hostConnectionsMax,
    idleMsMax: config.hostIdleMsMax,
    answerBytesMax: bodyBytesMax,
  });
  const systems = new ActorSystems({
    defaultSystem,
    durability,
    clearsTags,
    guard,
    observer,
    limits: { payloadBytesMax: bodyBytesMax, mailboxUnitsMax: 4 * bodyBytesMax },
    openStore: (name) =>
      openStatestore(config.store, config.encryption, { name, isDefault: name === defaultSystem }),
    onEvent(event) {
      metrics?.happened(event);
      logEvent(log, event);
    },
  });
  await systems.open(defaultSystem);
  const server = new ProxyServer({
    routes: [
      ...invokeRoutes(systems),
      ...spawnRoutes(systems),
      ...registerRoutes({ systems, hosts, log, guard }),
      ...healthRoutes(() => !isDraining),
      ...(metrics === undefined ? [] : metricsRoutes(() => metrics.text(systems.loads))),
    ],
    bodyBytesMax,
    log,
    isClosing: () => isDraining,
    guard,
    observer,
    tls: security.tls && readTls(security.tls),
  });
  const address = await server.listen(config.listen);
  log("info", "listening", { ...address, system: defaultSystem });
  const rules = keepingRules({ security, guard, log, renewTls: (tls) => server.renewTls(tls) });
  return {
    address,
    reload: () => rules.reload(),
    async stop() {
      isDraining = true;
      rules.stop();
      log("info", "draining");
      await systems.stop({ drainTimeoutMs });
      await server.close();
      hosts.close();
      await tracer.stop();
      log("info", "stopped");
    },
  };
}

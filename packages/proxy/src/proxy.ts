/** `startProxy(config)`: puts the parts together. */
import { ActorSystems } from "./actors/actor-systems.ts";
import type { ListenAddress, ProxyConfig } from "./config.ts";
import { logEvent } from "./engine-log.ts";
import { ActorHosts } from "./host/actor-hosts.ts";
import type { Log } from "./log.ts";
import { ChannelRoutes } from "./routes/channels.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeRoutes } from "./routes/invoke.ts";
import { jsonInvokeRoutes } from "./routes/json-invoke.ts";
import { registerRoutes } from "./routes/register.ts";
import { spawnRoutes } from "./routes/spawn.ts";
import { ProxyServer } from "./server.ts";
import { openStatestore } from "./store-config.ts";

/** A proxy that listens. */
export interface RunningProxy {
  readonly address: ListenAddress;
  /** Refuses what is new, lets what is queued run, commits, and stops. */
  stop(): Promise<void>;
}

/** Starts a proxy; it takes calls when the promise resolves. @throws {SpawnError} */
export async function startProxy(config: ProxyConfig, log: Log): Promise<RunningProxy> {
  const { system: defaultSystem, durability, clearsTags, bodyBytesMax, drainTimeoutMs } = config;
  let isDraining = false;
  const hosts = new ActorHosts({
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
    limits: { payloadBytesMax: bodyBytesMax, mailboxUnitsMax: 4 * bodyBytesMax },
    openStore: (name) =>
      openStatestore(config.store, config.encryption, { name, isDefault: name === defaultSystem }),
    onEvent: (event) => logEvent(log, event),
  });
  await systems.open(defaultSystem);
  const channels = new ChannelRoutes(systems);
  const server = new ProxyServer({
    routes: [
      ...invokeRoutes(systems),
      ...spawnRoutes(systems),
      ...jsonInvokeRoutes(systems),
      ...channels.routes,
      ...registerRoutes({ systems, hosts, log }),
      ...healthRoutes(() => !isDraining),
    ],
    bodyBytesMax,
    log,
    isClosing: () => isDraining,
  });
  const address = await server.listen(config.listen);
  log("info", "listening", { ...address, system: defaultSystem });
  return {
    address,
    async stop() {
      isDraining = true;
      log("info", "draining");
      await systems.stop({ drainTimeoutMs });
      channels.close();
      await server.close();
      hosts.close();
      log("info", "stopped");
    },
  };
}

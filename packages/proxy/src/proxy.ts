/** `startProxy(config)`: puts the parts together. */
import { ActorSystems } from "./actors/actor-systems.ts";
import type { ListenAddress, ProxyConfig } from "./config.ts";
import { logEvent } from "./engine-log.ts";
import { ActorHosts } from "./host/actor-hosts.ts";
import type { Log } from "./log.ts";
import { declaredActors } from "./grpc/declared-actors.ts";
import { startGrpcFront } from "./grpc/front.ts";
import type { GrpcFront, GrpcFrontOptions } from "./grpc/front.ts";
import { hostedCalls } from "./grpc/hosted-calls.ts";
import { ChannelRoutes } from "./routes/channels.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeRoutes } from "./routes/invoke.ts";
import { jsonInvokeRoutes } from "./routes/json-invoke.ts";
import { messageRoutes } from "./routes/messages.ts";
import { registerRoutes } from "./routes/register.ts";
import { spawnRoutes } from "./routes/spawn.ts";
import { ProxyServer } from "./server.ts";
import { openStatestore } from "./store-config.ts";

/** A proxy that listens. */
export interface RunningProxy {
  readonly address: ListenAddress;
  /** The port of gRPC and of HTTP for declared services; `undefined` when none are declared. */
  readonly grpcPort: number | undefined;
  /** Refuses what is new, lets what is queued run, commits, and stops. */
  stop(): Promise<void>;
}

/** Starts a proxy; it takes calls when the promise resolves. @throws {SpawnError} */
export async function startProxy(config: ProxyConfig, log: Log): Promise<RunningProxy> {
  const { system: defaultSystem, durability, clearsTags, bodyBytesMax, drainTimeoutMs } = config;
  let isDraining = false;
  const isReady = (): boolean => !isDraining;
  const declared = await declaredActors(config.grpc);
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
    hosts,
    log,
  });
  await systems.start();
  const channels = new ChannelRoutes(systems);
  const server = new ProxyServer({
    routes: [
      ...invokeRoutes(systems),
      ...spawnRoutes(systems),
      ...jsonInvokeRoutes(systems),
      ...channels.routes,
      ...messageRoutes(systems),
      ...registerRoutes({ systems, hosts, log, declared: declared.options }),
      ...healthRoutes(isReady),
    ],
    bodyBytesMax,
    log,
    isClosing: () => isDraining,
  });
  const address = await server.listen(config.listen);
  log("info", "listening", { ...address, system: defaultSystem });
  const calls = hostedCalls(systems);
  const front = await serveDeclared(config, { declared, calls, isReady, log });
  return {
    address,
    grpcPort: front?.port,
    async stop() {
      isDraining = true;
      log("info", "draining");
      await Promise.all([systems.stop({ drainTimeoutMs }), front?.stop(drainTimeoutMs)]);
      channels.close();
      await server.close();
      hosts.close();
      log("info", "stopped");
    },
  };
}

/** Serves the services that users declared, if there are any. */
async function serveDeclared(
  { grpc, bodyBytesMax }: ProxyConfig,
  parts: Pick<GrpcFrontOptions, "declared" | "calls" | "isReady" | "log">,
): Promise<GrpcFront | undefined> {
  const services = parts.declared.services.map(({ typeName }) => typeName);
  if (grpc === undefined || services.length === 0) return undefined;
  const front = await startGrpcFront({ ...grpc, ...parts, messageBytesMax: bodyBytesMax });
  parts.log("info", "serving-grpc", { host: grpc.host, port: front.port, services });
  return front;
}

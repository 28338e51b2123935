/** `startProxy(config)`: puts the parts together, opens the doors, and closes them again. */
import type { ListenAddress, ProxyConfig } from "./config.ts";
import { startGrpcFront } from "./grpc/front.ts";
import type { GrpcFront } from "./grpc/front.ts";
import { hostedCalls } from "./grpc/hosted-calls.ts";
import { ProxyServer } from "./http/server.ts";
import type { Route } from "./http/route.ts";
import type { Log } from "./observability/log.ts";
import { openParts } from "./proxy-parts.ts";
import type { ProxyParts } from "./proxy-parts.ts";
import { ChannelRoutes } from "./routes/channels.ts";
import { findActorsRoutes } from "./routes/find-actors.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeRoutes } from "./routes/invoke.ts";
import { jsonInvokeRoutes } from "./routes/json-invoke.ts";
import { messageRoutes } from "./routes/messages.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { registerRoutes } from "./routes/register.ts";
import type { RegisterParts } from "./routes/register.ts";
import { registrationRoutes } from "./routes/registrations.ts";
import { spawnRoutes } from "./routes/spawn.ts";
import { storedMessageRoutes } from "./routes/stored-messages.ts";
import { keepingRules } from "./security/rules-in-force.ts";
import { isInClear } from "./security/security-config.ts";
import { Streams } from "./stream/streams.ts";

/** A proxy that listens. */
export interface RunningProxy {
  readonly address: ListenAddress;
  /** Reads tokens, policies and certificates again. What cannot be read stays as it was. */
  reload(): void;
  /** The port of gRPC and of HTTP for declared services; `undefined` when none are declared. */
  readonly grpcPort: number | undefined;
  /** Refuses what is new, lets what is queued run, commits, and stops. */
  stop(): Promise<void>;
}

/** Starts a proxy; it takes calls when the promise resolves. @throws {SpawnError} */
export async function startProxy(config: ProxyConfig, log: Log): Promise<RunningProxy> {
  const { security, drainTimeoutMs } = config;
  const parts = await openParts(config, log);
  const { systems, hosts, guard, tls, tracer } = parts;
  await systems.start();
  let isDraining = false;
  const served: ServedParts = { ...parts, isDraining: () => isDraining };
  const channels = new ChannelRoutes({ systems, guard });
  const streams = streamsOf(config, served);
  const server = serverOf(config, served, { channels, streams });
  const address = await server.listen(config.listen);
  const front = await serveDeclared(config, served);
  const rules = keepingRules({
    security,
    tls,
    guard,
    log,
    listeners: [server, front],
    recheck(hasOtherAuthority) {
      channels.recheck(hasOtherAuthority);
      streams.recheck(hasOtherAuthority);
    },
  });
  if ("host" in address && isInClear(address.host, security))
    log("warning", "unencrypted", address);
  log("info", "listening", { ...address, system: config.system });
  return {
    address,
    grpcPort: front?.port,
    reload: () => rules.reload(),
    async stop() {
      isDraining = true;
      rules.stop();
      log("info", "draining");
      await Promise.all([systems.stop({ drainTimeoutMs }), front?.stop(drainTimeoutMs)]);
      channels.close();
      await server.close();
      hosts.close();
      await tracer.stop();
      log("info", "stopped");
    },
  };
}

/** What is behind the doors, as long as they are open. */
interface ServedParts extends ProxyParts {
  readonly isDraining: () => boolean;
}

function streamsOf({ bodyBytesMax, transferMsMax }: ProxyConfig, parts: ServedParts): Streams {
  const { systems, unread, log, guard, isDraining } = parts;
  const limits = { bodyBytesMax, transferMsMax };
  const registering = registeringOf(parts);
  return new Streams({
    systems,
    registering,
    ...limits,
    unread,
    isClosing: isDraining,
    log,
    guard,
  });
}

/** The port of the protocol, with JSON for those who do not speak it. */
function serverOf(
  { bodyBytesMax, transferMsMax, listen }: ProxyConfig,
  parts: ServedParts,
  { channels, streams }: { readonly channels: ChannelRoutes; readonly streams: Streams },
): ProxyServer {
  const { unread, log, guard, tls, isDraining } = parts;
  return new ProxyServer({
    routes: [...channels.routes, ...routesOf(parts)],
    bodyBytesMax,
    transferMsMax,
    unread,
    log,
    isClosing: isDraining,
    guard,
    tls: "path" in listen ? undefined : tls,
    streams,
  });
}

function routesOf(parts: ServedParts): readonly Route[] {
  const { systems, guard, log, metrics, isDraining } = parts;
  return [
    ...invokeRoutes(systems),
    ...spawnRoutes({ systems, guard }),
    ...jsonInvokeRoutes(systems),
    ...messageRoutes(systems),
    ...findActorsRoutes({ systems, guard }),
    ...storedMessageRoutes({ systems, guard }),
    ...registrationRoutes({ systems, guard, log }),
    ...registerRoutes(registeringOf(parts)),
    ...healthRoutes(() => !isDraining()),
    ...(metrics === undefined ? [] : metricsRoutes(() => metrics.text(systems.loads))),
  ];
}

function registeringOf({ systems, hosts, log, guard, declared }: ServedParts): RegisterParts {
  return { systems, hosts, log, guard, declared: declared.options };
}

/** Serves the services that users declared, if there are any. */
async function serveDeclared(
  { grpc, bodyBytesMax, transferMsMax }: ProxyConfig,
  { declared, systems, isDraining, unread, log, guard, tls }: ServedParts,
): Promise<GrpcFront | undefined> {
  const services = declared.services.map(({ typeName }) => typeName);
  if (grpc === undefined || services.length === 0) return undefined;
  const front = await startGrpcFront({
    ...grpc,
    declared,
    calls: hostedCalls(systems),
    isReady: () => !isDraining(),
    messageBytesMax: bodyBytesMax,
    transferMsMax,
    unread,
    log,
    guard,
    tls,
  });
  log("info", "serving-grpc", { host: grpc.host, port: front.port, services });
  return front;
}

/** `startProxy(config)`: puts the parts together. */
import { ActorSystems } from "./actors/actor-systems.ts";
import type { ActorSystemsOptions } from "./actors/actor-systems.ts";
import type { ListenAddress, ProxyConfig } from "./config.ts";
import { engineLog } from "./engine-log.ts";
import { ActorHosts } from "./host/actor-hosts.ts";
import type { Log } from "./log.ts";
import type { GrpcConfig } from "./grpc-config.ts";
import { declaredActors } from "./grpc/declared-actors.ts";
import { startGrpcFront } from "./grpc/front.ts";
import type { GrpcFront, GrpcFrontOptions } from "./grpc/front.ts";
import { hostedCalls } from "./grpc/hosted-calls.ts";
import { Observer } from "./observability/observer.ts";
import type { ObserverParts } from "./observability/observer.ts";
import { openTracer } from "./observability/open-tracer.ts";
import { ProxyMetrics } from "./observability/proxy-metrics.ts";
import { ChannelRoutes } from "./routes/channels.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeRoutes } from "./routes/invoke.ts";
import { jsonInvokeRoutes } from "./routes/json-invoke.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { messageRoutes } from "./routes/messages.ts";
import { registerRoutes } from "./routes/register.ts";
import { registrationRoutes } from "./routes/registrations.ts";
import { spawnRoutes } from "./routes/spawn.ts";
import { storedMessageRoutes } from "./routes/stored-messages.ts";
import { ProxyServer } from "./server.ts";
import type { Route } from "./server.ts";
import { Streams } from "./stream/streams.ts";
import { Guard } from "./security/guard.ts";
import { isInClear } from "./security/security-config.ts";
import { keepingRules } from "./security/rules-in-force.ts";
import { readTls } from "./security/tls.ts";
import { sparingLog } from "./sparing-log.ts";
import { openStatestore } from "./store-config.ts";
import { UnreadAnswers } from "./unread-answers.ts";

/** Bytes of answers that wait to be read, in limits of a body. */
const UNREAD_SHARE_MAX = 32;

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
  const { system: defaultSystem, bodyBytesMax, transferMsMax, drainTimeoutMs, security } = config;
  let isDraining = false;
  const { metrics, tracer, observer } = await openObserver(config, log);
  const guard = guardOf(config, { observer, log });
  const tls = security.tls && readTls(security.tls);
  const isReady = (): boolean => !isDraining;
  const isClosing = (): boolean => isDraining;
  const declared = await declaredActors(config.grpc);
  const hosts = hostsOf(config, observer);
  const systems = systemsOf(config, { guard, observer, metrics, hosts, log });
  await systems.start();
  const channels = new ChannelRoutes({ systems, guard });
  const registering = { systems, hosts, log, guard, declared: declared.options };
  const limits = { bodyBytesMax, transferMsMax };
  const unread = unreadAnswersOf(config);
  const streams = new Streams({ systems, registering, ...limits, unread, isClosing, log, guard });
  const server = new ProxyServer({
    routes: [
      ...actorRoutes(systems),
      ...channels.routes,
      ...storedMessageRoutes({ systems, guard }),
      ...registrationRoutes({ systems, guard, log }),
      ...registerRoutes(registering),
      ...healthRoutes(isReady),
      ...(metrics === undefined ? [] : metricsRoutes(() => metrics.text(systems.loads))),
    ],
    ...limits,
    unread,
    log,
    isClosing,
    guard,
    tls: "path" in config.listen ? undefined : tls,
    streams,
  });
  const address = await server.listen(config.listen);
  const serving = { declared, calls: hostedCalls(systems), isReady, unread, log, guard, tls };
  const front = await serveDeclared(config, serving);
  const rules = keepingRules({
    security,
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
  log("info", "listening", { ...address, system: defaultSystem });
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

/** What is said to actors. */
function actorRoutes(systems: ActorSystems): readonly Route[] {
  return [
    ...invokeRoutes(systems),
    ...spawnRoutes(systems),
    ...jsonInvokeRoutes(systems),
    ...messageRoutes(systems),
  ];
}

function unreadAnswersOf({ transferMsMax, bodyBytesMax }: ProxyConfig): UnreadAnswers {
  return new UnreadAnswers({ msMax: transferMsMax, bytesMax: bodyBytesMax * UNREAD_SHARE_MAX });
}

type SystemsParts = Pick<ActorSystemsOptions, "guard" | "observer" | "hosts" | "log"> &
  Pick<ObserverParts, "metrics">;

/** The actors, kept and limited as the configuration says. */
function systemsOf(config: ProxyConfig, { metrics, ...parts }: SystemsParts): ActorSystems {
  const { system: defaultSystem, durability, clearsTags, bodyBytesMax } = config;
  const { absentTargetMsMax, messageAttemptsMax } = config;
  const tellEvent = engineLog(parts.log);
  return new ActorSystems({
    ...parts,
    defaultSystem,
    durability,
    clearsTags,
    limits: {
      payloadBytesMax: bodyBytesMax,
      mailboxUnitsMax: 4 * bodyBytesMax,
      absentTargetMsMax,
      messageAttemptsMax,
    },
    openStore: (name) =>
      openStatestore(config.store, config.encryption, { name, isDefault: name === defaultSystem }),
    onEvent(event) {
      metrics?.happened(event);
      tellEvent(event);
    },
  });
}

function hostsOf(config: ProxyConfig, observer: Observer): ActorHosts {
  return new ActorHosts({
    observer,
    address: config.host,
    named: config.namedHosts,
    connectionsMax: config.hostConnectionsMax,
    idleMsMax: config.hostIdleMsMax,
    answerBytesMax: config.bodyBytesMax,
  });
}

/** Sees what is configured to be seen. */
async function openObserver(
  { telemetry, logLevel }: ProxyConfig,
  log: Log,
): Promise<ObserverParts & { readonly observer: Observer }> {
  const parts = {
    metrics: telemetry.hasMetrics ? new ProxyMetrics() : undefined,
    tracer: await openTracer(telemetry),
    log: logLevel === "debug" ? log : undefined,
  };
  return { ...parts, observer: new Observer(parts) };
}

/** Knows who gets in; those who do not are counted, and told of. */
function guardOf(
  { security, listen }: ProxyConfig,
  { observer, log }: { readonly observer: Observer; readonly log: Log },
): Guard {
  const sparing = sparingLog(log);
  return new Guard({
    ...security,
    rules: security.readRules(),
    listensAtFile: "path" in listen,
    onRefused(peer, refusal) {
      observer.unproven();
      const { from, address } = peer;
      sparing("warning", "refused", { from, address, reason: refusal.message });
    },
  });
}

/** Serves the services that users declared, if there are any. */
async function serveDeclared(
  { grpc, bodyBytesMax, transferMsMax }: ProxyConfig,
  parts: Omit<GrpcFrontOptions, keyof GrpcConfig | "messageBytesMax" | "transferMsMax">,
): Promise<GrpcFront | undefined> {
  const services = parts.declared.services.map(({ typeName }) => typeName);
  if (grpc === undefined || services.length === 0) return undefined;
  const front = await startGrpcFront({
    ...grpc,
    ...parts,
    messageBytesMax: bodyBytesMax,
    transferMsMax,
  });
  parts.log("info", "serving-grpc", { host: grpc.host, port: front.port, services });
  return front;
}

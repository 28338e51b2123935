/** What a proxy consists of behind its doors, made as the configuration says. */
import type { TlsOptions } from "node:tls";
import { ActorSystems } from "./actors/actor-systems.ts";
import type { ActorSystemsOptions } from "./actors/actor-systems.ts";
import type { ProxyConfig } from "./config.ts";
import { declaredActors } from "./grpc/declared-actors.ts";
import type { DeclaredActors } from "./grpc/declared-actors.ts";
import { ActorHosts } from "./host/actor-hosts.ts";
import { UnreadAnswers } from "./http/unread-answers.ts";
import { engineLog } from "./observability/engine-log.ts";
import type { Log } from "./observability/log.ts";
import { Observer } from "./observability/observer.ts";
import type { ObserverParts } from "./observability/observer.ts";
import { openTracer } from "./observability/open-tracer.ts";
import { ProxyMetrics } from "./observability/proxy-metrics.ts";
import { sparingLog } from "./observability/sparing-log.ts";
import { Guard } from "./security/guard.ts";
import { readTls } from "./security/tls.ts";
import { openStatestore } from "./store-config.ts";

/** Answers that wait to be read, counted in bodies of the largest size. */
const UNREAD_BODIES_MAX = 32;

export interface ProxyParts extends Pick<ObserverParts, "metrics" | "tracer"> {
  readonly log: Log;
  readonly guard: Guard;
  /** `undefined` for plain connections. */
  readonly tls: TlsOptions | undefined;
  readonly declared: DeclaredActors;
  readonly hosts: ActorHosts;
  /** Not started. */
  readonly systems: ActorSystems;
  readonly unread: UnreadAnswers;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for files of the configuration that cannot be used */
export async function openParts(config: ProxyConfig, log: Log): Promise<ProxyParts> {
  const { metrics, tracer, observer } = await openObserver(config, log);
  const guard = guardOf(config, { observer, log });
  const { tls: tlsFiles } = config.security;
  const tls = tlsFiles && readTls(tlsFiles);
  const declared = await declaredActors(config.grpc);
  const hosts = hostsOf(config, observer);
  const systems = systemsOf(config, { guard, observer, metrics, hosts, log });
  const unread = unreadAnswersOf(config);
  return { metrics, tracer, log, guard, tls, declared, hosts, systems, unread };
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

function unreadAnswersOf({ transferMsMax, bodyBytesMax }: ProxyConfig): UnreadAnswers {
  return new UnreadAnswers({ msMax: transferMsMax, bytesMax: bodyBytesMax * UNREAD_BODIES_MAX });
}

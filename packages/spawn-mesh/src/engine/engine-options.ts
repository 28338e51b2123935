/** What an engine is made of. */
import type { ActorDefinition } from "./actor-definition.ts";
import { checkClusterName, checkName } from "./actor-id.ts";
import { systemClock, systemRandom } from "./clock.ts";
import type { Clock, Random } from "./clock.ts";
import type { Engine } from "./engine.ts";
import { harmless, tellingRecovery } from "./events.ts";
import type { EventListener } from "./events.ts";
import { plainHost } from "./host.ts";
import type { Host } from "./host.ts";
import { resolveLimits } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { ExternalFunction } from "./messages/external-functions.ts";
import { noCronTimes } from "./messages/repetition.ts";
import type { CronTimes } from "./messages/repetition.ts";
import { checkEncryption } from "./sealed-rows.ts";
import type { Statestore } from "./statestore.ts";

/** What an engine is made of: the actors that it runs, its ports and its limits. */
export interface EngineOptions {
  /** The name of the actor system. */
  readonly system: string;
  readonly definitions: readonly ActorDefinition[];
  readonly store: Statestore;
  /** The cluster that this process is part of. Default: none. */
  readonly cluster?: string;
  /** Default: the real clock. */
  readonly clock?: Clock;
  /** Default: real randomness. */
  readonly random?: Random;
  /** Default: calls the functions of the definitions. */
  readonly host?: Host;
  readonly limits?: Partial<Limits>;
  /** How much of the process's heap is in use, in percent. Default: nothing is known about it. */
  readonly heapPercent?: () => number;
  /** Receives what the engine tells about itself. */
  readonly onEvent?: EventListener;
  /** What cron expressions mean. Default: none is understood. */
  readonly cronTimes?: CronTimes;
  /** Functions outside of actors that actors can have carried out, by name. More of them may come. */
  readonly externals?: ReadonlyMap<string, ExternalFunction>;
  /**
   * Whether definitions may come with {@link Engine.define} while it runs: messages to actors that are
   * not defined wait for them. Default: they are parked.
   */
  readonly awaitsDefinitions?: boolean;
  /** Finds the engine of another actor system, for calls that name one. */
  readonly findSystem?: (name: string) => Engine | undefined;
}

/** The same, checked, with defaults where nothing was said. */
export interface ResolvedOptions extends Required<
  Omit<EngineOptions, "cluster" | "limits" | "onEvent">
> {
  readonly cluster: string | undefined;
  readonly limits: Limits;
  /** Tells the listener, whatever that throws. */
  readonly emit: EventListener;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function resolveOptions({ onEvent, ...options }: EngineOptions): ResolvedOptions {
  const { system, store, cluster } = options;
  checkName("system", system);
  checkEncryption(system, store);
  if (cluster !== undefined) checkClusterName(cluster);
  const clock = options.clock ?? systemClock;
  return {
    system,
    definitions: options.definitions,
    store,
    cluster,
    clock,
    random: options.random ?? systemRandom(),
    host: options.host ?? plainHost,
    limits: resolveLimits(options.limits),
    heapPercent: options.heapPercent ?? (() => 0),
    emit: tellingRecovery(harmless(onEvent), clock),
    cronTimes: options.cronTimes ?? noCronTimes,
    externals: options.externals ?? new Map(),
    awaitsDefinitions: options.awaitsDefinitions ?? false,
    findSystem: options.findSystem ?? (() => undefined),
  };
}

/** What an engine is made of. */
import type { ActorDefinition } from "./actor-definition.ts";
import type { Clock, Random } from "./clock.ts";
import type { Engine } from "./engine.ts";
import type { EventListener } from "./events.ts";
import type { ExternalFunction } from "./external-functions.ts";
import type { Host } from "./host.ts";
import type { Limits } from "./limits.ts";
import type { CronTimes } from "./repetition.ts";
import type { Statestore } from "./statestore.ts";

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
  /** Functions outside of actors that actors can have carried out, by name. */
  readonly externals?: ReadonlyMap<string, ExternalFunction>;
  /**
   * Whether definitions may come with {@link Engine.define} while it runs: messages to actors that are
   * not defined wait for them. Default: they are parked.
   */
  readonly awaitsDefinitions?: boolean;
  /** Finds the engine of another actor system, for calls that name one. */
  readonly findSystem?: (name: string) => Engine | undefined;
}

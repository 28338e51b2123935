/** What the engine needs to know of an actor that a host has registered. */
import { DEFAULT_READS, SpawnError, TIMEOUT_MS_MAX, checkName } from "spawn-mesh/engine";
import type {
  ActionDefinition,
  ActorDefinition,
  ActorKind,
  Durability,
  PoolSize,
  StateDefinition,
  TimerDefinition,
} from "spawn-mesh/engine";
import { Kind } from "spawn-mesh/protocol";
import type { RegisteredActor } from "spawn-mesh/protocol";
import { NOOP_TEXT, NO_STATE, textOfState, valueOfState } from "../wire-values.ts";
import { checkActorName } from "./directory.ts";
import { definitionOfSdk } from "./definition-of-sdk.ts";
import type { HostProgram } from "../host/host-program.ts";
import { HostedState, hostedCodec } from "./hosted-state.ts";
import { initAtHost, runAtHost, stateAsStored } from "./hosted-run.ts";
import type { Hosting } from "./hosted-run.ts";
import { notTooOften } from "./shortest-period.ts";

const DEACTIVATE_TIMEOUT_MS = 10_000;
const SNAPSHOT_TIMEOUT_MS = 2_000;
const REVISIONS_KEPT = 10;
const POOL: PoolSize = { min: 1, max: 4 };
const POOL_MAX = 256;
/** Timers of one actor: its first commit stores all of them. */
const TIMERS_MAX = 100;

/** The actions that begin the life of an actor; the first that is registered counts. */
const INIT_ACTIONS: ReadonlySet<string> = new Set(["init", "Init", "setup", "Setup"]);

/** A host of an actor, with the actions that it has. */
export interface RegisteredHost {
  readonly host: HostProgram;
  readonly actions: ReadonlySet<string>;
  /** Whether it tells by which fields the actor is found. */
  readonly isIndexed: boolean;
}

/** The hosts of an actor, the one first that registered last: what it said is what the actor is. */
export type RegisteredHosts = readonly [RegisteredHost, ...RegisteredHost[]];

/** What runs of all actions of an actor have in common. */
export interface SharedHosting extends Omit<Hosting, "hosts"> {
  /** Those of now: what was called before a program was started again runs at the new one. */
  readonly hosts: () => RegisteredHosts;
}

const kinds: Readonly<Partial<Record<Kind, ActorKind>>> = {
  [Kind.UNNAMED]: "unnamed",
  [Kind.POOLED]: "pooled",
  [Kind.TASK]: "task",
};

/**
 * The definition of a registered actor, whose actions run at its host.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function hostedDefinition(
  registered: RegisteredActor,
  hosting: SharedHosting,
  { durability }: { readonly durability: Durability },
): ActorDefinition {
  const { id, settings, definition: actor } = registered;
  checkActorName(id.name);
  if (settings.kind === Kind.PROJECTION) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `the actor ${id.name} is a projection, which is not there yet; expected another kind`,
    );
  }
  const kind = kinds[settings.kind] ?? "named";
  const { deactivationStrategy, snapshotStrategy } = settings;
  const init = actor.actions.find(({ name }) => INIT_ACTIONS.has(name))?.name;
  const state = isStored(registered) ? stateOf(registered) : undefined;
  const definition: ActorDefinition = {
    name: id.name,
    kind,
    pool: kind === "pooled" ? poolOf(settings.minPoolSize, settings.maxPoolSize) : undefined,
    state,
    durability,
    deactivateTimeoutMs: timeoutOf(deactivationStrategy, DEACTIVATE_TIMEOUT_MS),
    snapshotTimeoutMs: timeoutOf(snapshotStrategy, SNAPSHOT_TIMEOUT_MS),
    revisionsKept: REVISIONS_KEPT,
    init:
      init === undefined
        ? undefined
        : (context) => initAtHost(hostingOf(hosting, init), init, context),
    actions: actionsOf(actionNames(registered), hosting),
    channels: channelsOf(registered),
    timers: timersOf(registered),
    isStrict: false,
    ...definitionOfSdk(registered, state),
  };
  checkTimers(definition);
  return definition;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function checkTimers({ name, timers }: ActorDefinition): void {
  if (timers.length <= TIMERS_MAX) return;
  const message = `the actor ${name}: expected at most ${TIMERS_MAX} timers, got ${timers.length}`;
  throw new SpawnError("INVALID_ARGUMENT", message);
}

/** Whether the state of the actor is stored. */
export function isStored({ settings }: RegisteredActor): boolean {
  return settings.stateful && settings.kind !== Kind.POOLED;
}

/** The state of a new actor, as it is stored. @throws {SpawnError} `INVALID_ARGUMENT` */
export function initialState({ definition }: RegisteredActor): string {
  return textOfState(definition.state?.state) ?? NO_STATE;
}

function stateOf(registered: RegisteredActor): StateDefinition {
  const initial = new HostedState(initialState(registered));
  const tags = registered.definition.state?.tags ?? {};
  return {
    codec: hostedCodec,
    version: 1,
    initial: () => initial,
    ...(Object.keys(tags).length > 0 && { initialTags: Object.freeze({ ...tags }) }),
    migrate: (stored) => stored,
  };
}

/** The actions that the host of an actor has: all reads of the state, if it has one of them. */
export function actionNames({ definition }: RegisteredActor): ReadonlySet<string> {
  const names = new Set(definition.actions.map(({ name }) => name));
  const readsItself = [...DEFAULT_READS].some((name) => names.has(name));
  for (const { action } of definition.timerActions) names.add(action?.name ?? "");
  if (readsItself) for (const name of DEFAULT_READS) names.add(name);
  return names;
}

function actionsOf(
  names: ReadonlySet<string>,
  hosting: SharedHosting,
): ReadonlyMap<string, ActionDefinition> {
  const actions = new Map([...names].map((name) => [name, hostedAction(name, hosting)]));
  for (const name of DEFAULT_READS) {
    if (!names.has(name)) actions.set(name, defaultRead(name, hosting));
  }
  return actions;
}

/**
 * One that does not have the action would answer as if it had done it, and one without the index would leave
 * the actor where it was found before.
 */
function hostingOf(shared: SharedHosting, action: string): Hosting {
  let known: RegisteredHosts | undefined;
  let able: readonly [HostProgram, ...HostProgram[]];
  const hosts = (): typeof able => {
    const now = shared.hosts();
    if (now !== known) able = ableOf(now, action);
    known = now;
    return able;
  };
  return { ...shared, hosts };
}

function ableOf(hosts: RegisteredHosts, action: string): [HostProgram, ...HostProgram[]] {
  const [first, ...others] = hosts;
  const able = others.filter(
    ({ actions, isIndexed }) => actions.has(action) && (isIndexed || !first.isIndexed),
  );
  return [first.host, ...able.map(({ host }) => host)];
}

function hostedAction(name: string, shared: SharedHosting): ActionDefinition {
  checkName("action", name);
  const hosting = hostingOf(shared, name);
  return {
    name,
    isRead: false,
    parse: undefined,
    run: (context, payload) => runAtHost(hosting, name, { context, payload }),
  };
}

/** Answers the state without asking the host. */
function defaultRead(name: string, hosting: SharedHosting): ActionDefinition {
  return {
    name,
    isRead: true,
    parse: undefined,
    run: (context) => valueOfState(stateAsStored(hosting, context)),
  };
}

function poolOf(min: number, max: number): PoolSize {
  const most = max < 1 || max < min ? Math.max(POOL.max, min) : max;
  const bounded = Math.min(most, POOL_MAX);
  return { min: Math.max(1, Math.min(min, bounded)), max: bounded };
}

/** The time of a strategy. Nothing and zero mean the default. */
function timeoutOf(
  strategy:
    | { readonly strategy: { readonly value?: { readonly timeout: bigint } | undefined } }
    | undefined,
  defaultMs: number,
): number {
  const timeoutMs = Number(strategy?.strategy.value?.timeout ?? 0n);
  return timeoutMs <= 0 ? defaultMs : Math.min(timeoutMs, TIMEOUT_MS_MAX);
}

function channelsOf({ definition }: RegisteredActor): ReadonlyMap<string, string> {
  const channels = definition.metadata?.channelGroup ?? [];
  return new Map(
    channels.map(({ topic, action }) => {
      checkName("channel", topic);
      return [topic, action === "" ? "receive" : action];
    }),
  );
}

function timersOf({ definition }: RegisteredActor): readonly TimerDefinition[] {
  return definition.timerActions.flatMap(({ seconds: everyMs, action }) =>
    // The period is in milliseconds, whatever its name says.
    everyMs < 1
      ? []
      : [
          {
            action: action?.name ?? "",
            payload: NOOP_TEXT,
            repeat: notTooOften({ everyMs, catchUp: "one" as const }),
          },
        ],
  );
}

/** `actor(name, definition)`: says what kind of actor this is. */
import {
  SpawnError,
  TIMEOUT_MS_MAX,
  checkName,
  checkWholeNumber,
  defaultLimits,
  firstTime,
  jsonCodec,
  payloadText,
  repetitionOf,
} from "../engine/index.ts";
import type {
  ActionDefinition,
  ActorDefinition,
  ActorKind,
  Durability,
  SendOptions,
  PoolSize,
  StateDefinition,
  TimerDefinition,
} from "../engine/index.ts";
import { traitsOf } from "./action.ts";
import type { Actions } from "./action.ts";
import { cronTimes } from "./cron-times.ts";
import type { Context } from "./context.ts";
import type { JsonProblem } from "./json-types.ts";
import type { IndexFields, NoIndex } from "./finding.ts";
import { checkOptionNames } from "../engine/option-names.ts";
import { poolOf } from "./pool.ts";
import type { KindProblem } from "./pool.ts";
import type { MessageState, VersionedState } from "./state.ts";

/** The name of an instance, where the kind has instances. */
export type NameOf<Kind extends ActorKind> = Kind extends "unnamed" ? [name: string] : [];

/** What `actor` takes. */
export interface ActorOptions<State, ActionsOf, Kind extends ActorKind, Index = unknown> {
  /**
   * `named`: one actor of this name. `unnamed`: any number, each with its own name. `pooled`: one
   * actor of this name, without state, that runs several actions at once. `task`: runs as `named` for
   * now. Default `named`.
   */
  readonly kind?: Kind;
  /**
   * Pooled: `max` actions run at once, each in an instance of its own; `min` instances stay in memory
   * once they were needed. Default `{ min: 1, max: 4 }`; the largest `max` is 256.
   */
  readonly pool?: Partial<PoolSize>;
  /** Makes the state of a new actor; or versions of it, or a protobuf message, from `state(…)`. Without it the actor is stateless. */
  readonly state?: (() => State) | VersionedState<State> | MessageState<State>;
  /** `durable`: a reply means committed. `write-behind`: a reply means in memory. Default `durable`. */
  readonly durability?: Durability | undefined;
  /** Idle time after which the actor leaves memory, in milliseconds; every action begins it anew. Default 10 000. */
  readonly deactivateTimeoutMs?: number | undefined;
  /**
   * Durable: how often a revision is kept for restore. Write-behind: how often the state is written,
   * and so how much a crash may lose. Milliseconds. Default 2 000.
   */
  readonly snapshotTimeoutMs?: number | undefined;
  /** How many revisions are kept; 0 for none. Default 10. */
  readonly revisionsKept?: number | undefined;
  /**
   * For how long a revision is kept after a newer one took its place, in milliseconds: what was the state
   * at any time since then can be read. Looked at whenever a revision is kept. Default: however old.
   */
  readonly revisionsKeptMs?: number | undefined;
  /**
   * Deletes the actor with all that is stored of it when nothing of it was committed for so long, in
   * milliseconds; reads do not count. That is looked for every hundredth of this time, but once a minute at
   * the most and once an hour at the least. Default: never.
   */
  readonly expireAfterMs?: number | undefined;
  /**
   * Fields that the actor is found by (`system.find`), made of its state and stored with it: strings,
   * numbers and booleans; `null` is not found. They are never encrypted. It must not change the state; if it
   * throws, the action fails and changes nothing. After it was changed call `system.reindex`.
   */
  readonly index?: (state: State) => Index;
  /**
   * Runs on every activation after the load, before anything else. What it changes is seen by all
   * that follows, and is stored with the first commit that follows.
   */
  readonly init?: (context: Context<State>) => unknown;
  /** What the actor can do. */
  readonly actions: ActionsOf;
  /**
   * The channels that it listens to: a name, heard by the action `receive`, or a name with an action.
   * A named actor hears all that is broadcast, an instance of an unnamed one from its first commit on.
   */
  readonly channels?: readonly (string | ChannelSubscription<keyof ActionsOf & string>)[];
  /**
   * Actions that run again and again. They are stored: they go on after a restart, and they bring the
   * actor back to life. They begin when a named actor's system starts, for others with the first call.
   */
  readonly timers?: readonly Timer<keyof ActionsOf & string>[];
}

/** A channel that an actor listens to. */
export interface ChannelSubscription<ActionName extends string = string> {
  readonly channel: string;
  /** The action that hears it. Default `receive`. */
  readonly action?: ActionName;
}

/** An action that runs again and again: every so many milliseconds, or at the times of a cron expression. */
export interface Timer<ActionName extends string = string> extends Pick<
  SendOptions,
  "everyMs" | "cron" | "timeZone" | "catchUp"
> {
  readonly action: ActionName;
  readonly payload?: unknown;
}

/** An actor definition, with the types of its state and actions. */
export interface ActorOf<State, ActionsOf, Kind extends ActorKind, Index = unknown> {
  readonly name: string;
  readonly kind: Kind;
  /** Never there: carry the types. */
  readonly "~state"?: State;
  readonly "~actions"?: ActionsOf;
  readonly "~index"?: Index;
}

/** Any actor definition. */
// oxlint-disable-next-line typescript/no-explicit-any -- a list of definitions has many types
export type AnyActor = ActorOf<any, any, ActorKind, any>;

const DEACTIVATE_TIMEOUT_MS = 10_000;
const SNAPSHOT_TIMEOUT_MS = 2_000;
const REVISIONS_KEPT = 10;
const REVISIONS_KEPT_MAX = 10_000;
/** Names that mean something to every JavaScript object or promise. */
const REFUSED_ACTIONS: ReadonlySet<string> = new Set([
  "then",
  "constructor",
  "__proto__",
  "toString",
]);

const OPTIONS: Readonly<Record<keyof ActorOptions<unknown, unknown, ActorKind>, true>> = {
  kind: true,
  pool: true,
  state: true,
  durability: true,
  deactivateTimeoutMs: true,
  snapshotTimeoutMs: true,
  revisionsKept: true,
  revisionsKeptMs: true,
  expireAfterMs: true,
  index: true,
  init: true,
  actions: true,
  channels: true,
  timers: true,
};

const definitions = new WeakMap<object, ActorDefinition>();

/**
 * Defines an actor: a named unit of state whose actions run one at a time.
 *
 * @param name the name of the actor, or of the kind of actor when it is unnamed
 * @throws {SpawnError} `INVALID_ARGUMENT` naming the option, what was expected and what came
 */
export function actor<
  State,
  ActionsOf extends Actions<State> = Actions<State>,
  const Kind extends ActorKind = "named",
  Index extends IndexFields<Index> = NoIndex,
>(
  name: string,
  options: ActorOptions<State, ActionsOf, Kind, Index> &
    KindProblem<Kind> &
    JsonProblem<State, ActionsOf>,
): ActorOf<State, ActionsOf, Kind, Index> {
  checkName("actor", name);
  if (typeof options !== "object" || options === null) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `definition of ${name}: expected an object, got ${String(options)}`,
    );
  }
  checkOptionNames(`definition of ${name}`, options, Object.keys(OPTIONS));
  const kind = (options.kind ?? "named") as Kind;
  checkKind(name, kind);
  const defined: ActorOf<State, ActionsOf, Kind, Index> = Object.freeze({ name, kind });
  definitions.set(defined, Object.freeze(definitionOf(name, { ...options, kind })));
  return defined;
}

const KINDS: ReadonlySet<unknown> = new Set<ActorKind>(["named", "unnamed", "pooled", "task"]);
const KINDS_TO_COME: ReadonlySet<unknown> = new Set(["projection"]);

function checkKind(name: string, kind: unknown): void {
  if (KINDS.has(kind)) return;
  const got = KINDS_TO_COME.has(kind)
    ? `${String(kind)}, which is not there yet`
    : JSON.stringify(kind);
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `kind of ${name}: expected "named", "unnamed", "pooled" or "task", got ${got}`,
  );
}

/** What the engine needs to know of an actor. @throws {SpawnError} `INVALID_ARGUMENT` if `actor` did not make it */
export function definitionOfActor(defined: AnyActor): ActorDefinition {
  const definition = definitions.get(defined);
  if (definition === undefined)
    throw new SpawnError("INVALID_ARGUMENT", "expected what actor(…) returned");
  return definition;
}

function definitionOf<State>(
  name: string,
  options: ActorOptions<State, Actions<State>, ActorKind>,
): ActorDefinition {
  const {
    durability = "durable",
    deactivateTimeoutMs = DEACTIVATE_TIMEOUT_MS,
    snapshotTimeoutMs = SNAPSHOT_TIMEOUT_MS,
    revisionsKept = REVISIONS_KEPT,
  } = options;
  if (durability !== "durable" && durability !== "write-behind") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `durability of ${name}: expected "durable" or "write-behind", got ${JSON.stringify(durability)}`,
    );
  }
  checkWholeNumber(`deactivateTimeoutMs of ${name}`, deactivateTimeoutMs, {
    min: 1,
    max: TIMEOUT_MS_MAX,
  });
  checkWholeNumber(`snapshotTimeoutMs of ${name}`, snapshotTimeoutMs, {
    min: 1,
    max: TIMEOUT_MS_MAX,
  });
  checkWholeNumber(`revisionsKept of ${name}`, revisionsKept, { min: 0, max: REVISIONS_KEPT_MAX });
  const { revisionsKeptMs, expireAfterMs } = options;
  if (revisionsKeptMs !== undefined)
    checkWholeNumber(`revisionsKeptMs of ${name}`, revisionsKeptMs, { min: 1 });
  if (expireAfterMs !== undefined)
    checkWholeNumber(`expireAfterMs of ${name}`, expireAfterMs, { min: 1 });
  const actions = actionsOf(name, options.actions);
  return {
    name,
    kind: options.kind ?? "named",
    pool: poolOf(name, options),
    state: stateOf(name, options.state),
    durability,
    deactivateTimeoutMs,
    snapshotTimeoutMs,
    revisionsKept,
    revisionsKeptMs,
    expireAfterMs,
    index: indexOf(name, options),
    init: initOf(name, options.init),
    actions,
    channels: channelsOf(name, options.channels ?? [], actions),
    timers: timersOf(name, options.timers ?? [], actions),
    isStrict: false,
  };
}

function channelsOf(
  name: string,
  channels: readonly (string | ChannelSubscription)[],
  actions: ReadonlyMap<string, ActionDefinition>,
): ReadonlyMap<string, string> {
  checkArray(`channels of ${name}`, channels);
  const subscribed = new Map<string, string>();
  for (const entry of channels) {
    const subscription = typeof entry === "string" ? { channel: entry } : entry;
    checkOptionNames(`channel of ${name}`, subscription, ["channel", "action"]);
    const { channel, action = "receive" } = subscription;
    checkName(`channel of ${name}`, channel);
    checkAction(`channel ${channel} of ${name}`, action, actions);
    if (subscribed.has(channel)) {
      throw new SpawnError("INVALID_ARGUMENT", `channels of ${name}: ${channel} is there twice`);
    }
    subscribed.set(channel, action);
  }
  return subscribed;
}

function timersOf(
  name: string,
  timers: readonly Timer[],
  actions: ReadonlyMap<string, ActionDefinition>,
): readonly TimerDefinition[] {
  checkArray(`timers of ${name}`, timers);
  return timers.map((timer) => {
    checkOptionNames(`timer of ${name}`, timer, TIMER_OPTIONS);
    const { action, payload, ...when } = timer;
    checkAction(`timer of ${name}`, action, actions);
    const repeat = repetitionOf(when);
    if (repeat === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `timer ${action} of ${name}: expected everyMs or cron`,
      );
    }
    firstTime(repeat, Date.now(), { cronTimes, isAsked: false });
    return { action, payload: payloadText(payload, defaultLimits), repeat };
  });
}

const TIMER_OPTIONS: readonly string[] = [
  "action",
  "payload",
  "everyMs",
  "cron",
  "timeZone",
  "catchUp",
];

function checkArray(what: string, list: unknown): void {
  if (!Array.isArray(list))
    throw new SpawnError("INVALID_ARGUMENT", `${what}: expected an array, got ${typeof list}`);
}

function checkAction(
  what: string,
  action: string,
  actions: ReadonlyMap<string, ActionDefinition>,
): void {
  if (actions.has(action)) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${what}: there is no action ${JSON.stringify(action)}; there are ${[...actions.keys()].join(", ")}`,
  );
}

function indexOf(
  name: string,
  { index, state }: { readonly index?: unknown; readonly state?: unknown },
): ActorDefinition["index"] {
  if (index === undefined) return undefined;
  if (typeof index === "function" && state !== undefined) return index as ActorDefinition["index"];
  const got = typeof index === "function" ? "one without a state" : typeof index;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `index of ${name}: expected a function of the state, got ${got}`,
  );
}

function initOf(name: string, init: unknown): ActorDefinition["init"] {
  if (init === undefined || typeof init === "function") return init as ActorDefinition["init"];
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `init of ${name}: expected a function, got ${typeof init}`,
  );
}

function stateOf(
  name: string,
  state: (() => unknown) | StateDefinition | undefined,
): StateDefinition | undefined {
  if (state === undefined) return undefined;
  if (typeof state === "function") {
    const initial = (): unknown => refuseMessage(name, state());
    return { codec: jsonCodec, version: 1, initial, migrate: (stored) => stored };
  }
  if (typeof state === "object" && typeof state?.initial === "function") return state;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `state of ${name}: expected a function that makes it, or state(schema, initial), got ${typeof state}`,
  );
}

/** A message is no JSON value, although it may look like one. */
function refuseMessage(name: string, made: unknown): unknown {
  const type = (made as { readonly $typeName?: unknown } | null | undefined)?.$typeName;
  if (typeof type !== "string") return made;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `state of ${name}: got a message ${type}; expected state(schema, initial) with its schema`,
  );
}

function actionsOf(actorName: string, actions: object): ReadonlyMap<string, ActionDefinition> {
  if (typeof actions !== "object" || actions === null || Array.isArray(actions)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `actions of ${actorName}: expected an object of functions, got ${Array.isArray(actions) ? "an array" : typeof actions}`,
    );
  }
  return new Map(
    Object.entries(actions).map(([name, action]) => [name, actionOf(actorName, name, action)]),
  );
}

function actionOf(actorName: string, name: string, action: unknown): ActionDefinition {
  checkName(`action of ${actorName}`, name);
  if (REFUSED_ACTIONS.has(name)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${actorName} cannot have an action named ${JSON.stringify(name)}: the name has a meaning in JavaScript`,
    );
  }
  if (typeof action !== "function") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `action ${name} of ${actorName}: expected a function, got ${typeof action}`,
    );
  }
  return { name, ...traitsOf(action) };
}

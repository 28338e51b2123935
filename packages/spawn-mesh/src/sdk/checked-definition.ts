/** The options of `actor(name, options)`, checked one by one, as the engine knows them. */
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
  StateDefinition,
  TimerDefinition,
} from "../engine/index.ts";
import { checkOptionNames } from "../engine/option-names.ts";
import { traitsOf } from "./action.ts";
import type { Actions } from "./action.ts";
import type { ActorOptions, ChannelSubscription, Timer } from "./actor.ts";
import { cronTimes } from "./cron-times.ts";
import { poolOf } from "./pool.ts";

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

/**
 * The definition that options describe.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` naming the option, what was expected and what came
 */
export function checkedDefinition<State>(
  name: string,
  options: ActorOptions<State, Actions<State>, ActorKind>,
): ActorDefinition {
  checkName("actor", name);
  checkOptions(name, options);
  const { kind = "named" } = options;
  checkKind(name, kind);
  const keeping = keepingOf(name, options);
  const actions = actionsOf(name, options.actions);
  return {
    name,
    kind,
    pool: poolOf(name, options),
    state: stateOf(name, options.state),
    ...keeping,
    index: indexOf(name, options),
    init: initOf(name, options.init),
    actions,
    channels: channelsOf(name, options.channels ?? [], actions),
    timers: timersOf(name, options.timers ?? [], actions),
    isStrict: false,
  };
}

function checkOptions(name: string, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `definition of ${name}: expected an object, got ${String(options)}`,
    );
  }
  checkOptionNames(`definition of ${name}`, options, Object.keys(OPTIONS));
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

/** How the actor is kept: in memory, in the statestore, and for how long. */
type Keeping = Pick<
  ActorDefinition,
  | "durability"
  | "deactivateTimeoutMs"
  | "snapshotTimeoutMs"
  | "revisionsKept"
  | "revisionsKeptMs"
  | "expireAfterMs"
>;

function keepingOf(
  name: string,
  options: { readonly [Option in keyof Keeping]?: Keeping[Option] | undefined },
): Keeping {
  const {
    durability = "durable",
    deactivateTimeoutMs = DEACTIVATE_TIMEOUT_MS,
    snapshotTimeoutMs = SNAPSHOT_TIMEOUT_MS,
    revisionsKept = REVISIONS_KEPT,
    revisionsKeptMs,
    expireAfterMs,
  } = options;
  if (durability !== "durable" && durability !== "write-behind") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `durability of ${name}: expected "durable" or "write-behind", got ${JSON.stringify(durability)}`,
    );
  }
  for (const [option, ms] of Object.entries({ deactivateTimeoutMs, snapshotTimeoutMs })) {
    checkWholeNumber(`${option} of ${name}`, ms, { min: 1, max: TIMEOUT_MS_MAX });
  }
  checkWholeNumber(`revisionsKept of ${name}`, revisionsKept, { min: 0, max: REVISIONS_KEPT_MAX });
  for (const [option, ms] of Object.entries({ revisionsKeptMs, expireAfterMs })) {
    if (ms !== undefined) checkWholeNumber(`${option} of ${name}`, ms, { min: 1 });
  }
  return {
    durability,
    deactivateTimeoutMs,
    snapshotTimeoutMs,
    revisionsKept,
    revisionsKeptMs,
    expireAfterMs,
  };
}

function channelsOf(
  name: string,
  channels: readonly (string | ChannelSubscription)[],
  actions: ReadonlyMap<string, ActionDefinition>,
): ReadonlyMap<string, string> {
  checkArray(`channels of ${name}`, channels, '"news" or { channel: "news", action: "read" }');
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
  checkArray(`timers of ${name}`, timers, '{ action: "tick", everyMs: 60_000 }');
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

function checkArray(what: string, list: unknown, entry: string): void {
  if (Array.isArray(list)) return;
  const got = typeof list;
  throw new SpawnError("INVALID_ARGUMENT", `${what}: expected an array of ${entry}; got ${got}`);
}

function checkAction(
  what: string,
  action: string,
  actions: ReadonlyMap<string, ActionDefinition>,
): void {
  if (actions.has(action)) return;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${what}: there is no action ${JSON.stringify(action)}; there ${actions.size === 0 ? "are none" : `are ${[...actions.keys()].join(", ")}`}`,
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

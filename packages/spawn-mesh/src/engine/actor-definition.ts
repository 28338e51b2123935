import type { ActorId } from "./actor-id.ts";
import type { ActionContext } from "./activations/action-context.ts";
import type { StateCodec } from "./state-codec.ts";
import type { Tags } from "./statestore.ts";
import type { TimerDefinition } from "./messages/timers.ts";

/**
 * `named`: one actor, called by the definition's name. `unnamed`: any number, each with a name of its
 * own. `pooled`: one actor without state, several actions of which run at once. `task`: for work that
 * runs elsewhere one day; until then it runs as `named`.
 */
export type ActorKind = "named" | "unnamed" | "pooled" | "task";

/** How many activations a pooled actor has. */
export interface PoolSize {
  /** So many stay in memory, once they were needed. */
  readonly min: number;
  /** So many actions run at once at the most. */
  readonly max: number;
}

/** `durable`: a reply means committed. `write-behind`: a reply means in memory, committed a while later. */
export type Durability = "durable" | "write-behind";

/** User code of an action. May return a promise; the actor does nothing else until it settles. */
export type ActionFunction = (context: ActionContext, payload: unknown) => unknown;

/** One action of an actor, as the engine runs it. */
export interface ActionDefinition {
  readonly name: string;
  /** Promises to change nothing. A read that changes the state fails with `ACTION_FAILED`. */
  readonly isRead: boolean;
  /** Checks and converts the payload before the action runs; throws `INVALID_ARGUMENT`. */
  readonly parse: ((payload: unknown) => unknown) | undefined;
  readonly run: ActionFunction;
  /**
   * Whether it needs no state and replaces all that there is, so that it also runs when the stored state
   * cannot be read. Default `false`.
   */
  readonly isReplacement?: boolean;
  /** What callers see of its values, when that is not what crosses the boundary. Default: the same. */
  readonly conversion?: Conversion | undefined;
}

/** What a typed reference does with the values of an action. */
export interface Conversion {
  /** What crosses the boundary for what the caller gave. @throws {SpawnError} `INVALID_ARGUMENT` */
  readonly payload: (given: unknown) => unknown;
  /** What the caller gets for the reply that came. */
  readonly reply: (reply: unknown) => unknown;
}

/** How the state of an actor begins and how older shapes of it become today's. */
export interface StateDefinition {
  readonly codec: StateCodec;
  /** Version of today's shape, from 1. */
  readonly version: number;
  /** A new state. */
  readonly initial: () => unknown;
  /** The labels of a new state. Default: none. */
  readonly initialTags?: Tags;
  /** The action that answers the state. Default: one that answers it as it is. */
  readonly read?: ActionDefinition;
  /** Turns a stored state of `version` into today's. Called for older versions only. */
  readonly migrate: (stored: unknown, version: number) => unknown;
}

/** What kind of actor this is: made once, never changed. */
export interface ActorDefinition {
  readonly name: string;
  readonly kind: ActorKind;
  /** What a pooled actor has, and no other. */
  readonly pool?: PoolSize | undefined;
  /** `undefined` for a stateless actor, which is never stored. A pooled actor is one. */
  readonly state: StateDefinition | undefined;
  readonly durability: Durability;
  /** Idle time after which an activation leaves memory, in milliseconds. */
  readonly deactivateTimeoutMs: number;
  /** Durable: how often a revision is kept. Write-behind: how often the state is written. Milliseconds. */
  readonly snapshotTimeoutMs: number;
  /** How many revisions are kept; 0 for none. */
  readonly revisionsKept: number;
  /** For how long a revision is kept after another one took its place, in milliseconds. `undefined`: however old. */
  readonly revisionsKeptMs?: number | undefined;
  /** Deletes the actor when it was not committed for so long, in milliseconds. `undefined`: never. */
  readonly expireAfterMs?: number | undefined;
  /** The fields that the actor is found by, made of its state. */
  readonly index?: ((state: unknown) => unknown) | undefined;
  /** Runs after every load, before anything else. */
  readonly init: ActionFunction | undefined;
  readonly actions: ReadonlyMap<string, ActionDefinition>;
  /** The channels that it listens to, each with the action that hears it. */
  readonly channels: ReadonlyMap<string, string>;
  readonly timers: readonly TimerDefinition[];
  /** Runs each action on a fresh decode of the state and reports states that are changed after the return. */
  readonly isStrict: boolean;
}

/** The action names that read the state of every stateful actor, unless it defines them itself. */
export const DEFAULT_READS: ReadonlySet<string> = new Set([
  "get",
  "Get",
  "get_state",
  "getState",
  "GetState",
]);

const defaultRead: ActionDefinition = {
  name: "get",
  isRead: true,
  parse: undefined,
  run: (context) => context.state,
};

/** The action of that name, or the default read, or `undefined`. */
export function findAction(
  definition: ActorDefinition,
  name: string,
): ActionDefinition | undefined {
  const own = definition.actions.get(name);
  if (own !== undefined) return own;
  const { state } = definition;
  return state !== undefined && DEFAULT_READS.has(name) ? (state.read ?? defaultRead) : undefined;
}

/** The id of an actor of this definition. */
export function actorIdOf(system: string, definition: ActorDefinition, name: string): ActorId {
  return { system, definition: definition.name, name };
}

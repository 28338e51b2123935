/** `actor(name, definition)`: says what kind of actor this is. */
import { SpawnError } from "../engine/index.ts";
import type {
  ActorDefinition,
  ActorKind,
  Durability,
  SendOptions,
  PoolSize,
} from "../engine/index.ts";
import type { Actions } from "./action.ts";
import { checkedDefinition } from "./checked-definition.ts";
import type { Context } from "./context.ts";
import type { JsonProblem } from "./json-types.ts";
import type { IndexFields, NoIndex } from "./finding.ts";
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
  /**
   * Makes the state of a new actor; or versions of it, or a protobuf message, from `state(…)`. Without it the actor is
   * stateless.
   */
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
  const definition = checkedDefinition(name, options);
  const kind = definition.kind as Kind;
  const defined: ActorOf<State, ActionsOf, Kind, Index> = Object.freeze({ name, kind });
  definitions.set(defined, Object.freeze(definition));
  return defined;
}

/** What the engine needs to know of an actor. @throws {SpawnError} `INVALID_ARGUMENT` if `actor` did not make it */
export function definitionOfActor(defined: AnyActor): ActorDefinition {
  const definition = definitions.get(defined);
  if (definition === undefined)
    throw new SpawnError("INVALID_ARGUMENT", "expected what actor(…) returned");
  return definition;
}

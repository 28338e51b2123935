/** Typed references: one method an action, made once a definition. */
import type {
  ActionDefinition,
  ActorCall,
  ActorDefinition,
  ActorKind,
  ActorType,
  CallOptions,
  Conversion,
  Failure,
  SendOptions,
} from "../engine/index.ts";
import { findAction } from "../engine/index.ts";
import type { ActorOf, AnyActor } from "./actor.ts";
import { currentRun } from "./in-process-host.ts";
import type { Reply } from "./reply.ts";

/** A call under way: a promise of the reply that also knows which failures the action can return. */
export interface Call<Reply, Failures> extends Promise<Reply> {
  /** Never there: carries the type of the failures. */
  readonly "~failures"?: Failures;
}

/** What the caller of an action is answered. */
export type ReplyOf<Run> = Run extends (...inputs: never) => infer Returned
  ? Answer<Exclude<Awaited<Returned>, Failure>>
  : never;
/** What a reply built with `reply(…)` answers, and every other value. */
export type Answer<Returned> = Returned extends Reply<infer Value, unknown> ? Value : Returned;
/** What the caller of an action may be told instead: its own failures, and those of who answers for it. */
export type FailuresOf<Run> = Run extends (...inputs: never) => infer Returned
  ? Extract<Awaited<Returned>, Failure> | Behind<Awaited<Returned>>
  : never;
type Behind<Returned> = Returned extends Reply<unknown, infer Failures> ? Failures : never;

/** In which system the actor is. */
interface InSystem {
  /** Default: that of the reference; of a reference that `ctx` has made, the actor's own. */
  readonly system?: string | undefined;
}

/** One payload an action; options are always the second argument. */
export type ActionMethod<Run> = Run extends (context: never, ...payload: infer Payload) => unknown
  ? Payload extends [infer Required]
    ? undefined extends Required
      ? (
          payload?: Required,
          options?: CallOptions & InSystem,
        ) => Call<ReplyOf<Run>, FailuresOf<Run>>
      : (payload: Required, options?: CallOptions & InSystem) => Call<ReplyOf<Run>, FailuresOf<Run>>
    : Payload extends []
      ? (
          payload?: undefined,
          options?: CallOptions & InSystem,
        ) => Call<ReplyOf<Run>, FailuresOf<Run>>
      : (
          payload?: Payload[0],
          options?: CallOptions & InSystem,
        ) => Call<ReplyOf<Run>, FailuresOf<Run>>
  : never;

type DefaultRead<State, ActionsOf> = unknown extends State
  ? unknown
  : "get" extends keyof ActionsOf
    ? unknown
    : {
        /** The state of the actor. */
        get(payload?: undefined, options?: CallOptions & InSystem): Call<State, never>;
      };

/** A reference to an actor: every action as a method. It can be made before the actor exists, and costs nothing. */
export type ActorRef<State, ActionsOf> = {
  readonly [Name in keyof ActionsOf]: ActionMethod<ActionsOf[Name]>;
} & DefaultRead<State, ActionsOf>;

/** The type of a reference to the actors of a definition: `RefOf<typeof cart>`. */
export type RefOf<Defined extends AnyActor> =
  Defined extends ActorOf<infer State, infer ActionsOf, ActorKind>
    ? ActorRef<State, ActionsOf>
    : never;

/** The type of their state: `StateOf<typeof cart>`. */
export type StateOf<Defined extends AnyActor> =
  Defined extends ActorOf<infer State, unknown, ActorKind> ? State : never;

/** One payload an action; what is sent has an id instead of a reply. */
type MessageMethod<Run, Id> = Run extends (context: never, ...payload: infer Payload) => unknown
  ? Payload extends [infer Required]
    ? undefined extends Required
      ? (payload?: Required, options?: SendOptions & InSystem) => Id
      : (payload: Required, options?: SendOptions & InSystem) => Id
    : Payload extends []
      ? (payload?: undefined, options?: SendOptions & InSystem) => Id
      : (payload?: Payload[0], options?: SendOptions & InSystem) => Id
  : never;

/**
 * A reference that sends messages instead of calling: every action as a method that returns the id of
 * the message (a promise of it outside of actions, when it is stored). Nobody waits for the reply.
 */
export type EffectRef<ActionsOf, Id = string> = {
  readonly [Name in keyof ActionsOf]: MessageMethod<ActionsOf[Name], Id>;
};

/** What a reference knows of its type. */
type KnownType = Pick<ActorType, "definition">;

/** What the method of a reference was called with. */
export type ReferenceCallOf<Type extends KnownType = ActorType> = Omit<
  ActorCall,
  "type" | "options"
> & {
  readonly type: Type;
  readonly options?: (CallOptions & SendOptions & InSystem) | undefined;
};

/** Where the calls of a reference go. */
export interface CallTarget<Type extends KnownType = ActorType> {
  call(call: ReferenceCallOf<Type>): unknown;
}

/** Makes a reference to the actor of that name. */
export type ReferenceType<Type extends KnownType = ActorType> = new (
  target: CallTarget<Type>,
  name: string,
) => object;

/**
 * The class of the references to actors of a type: one of its own with a method an action,
 * so that a reference is one small object. Not a Proxy, and harmless to `await`.
 */
export function referenceType<Type extends KnownType>(type: Type): ReferenceType<Type> {
  class Reference {
    readonly #target: CallTarget<Type>;
    readonly #name: string;

    constructor(target: CallTarget<Type>, name: string) {
      this.#target = target;
      this.#name = name;
    }

    static method(action: ActionDefinition): ReferenceMethod {
      const { conversion } = action;
      if (conversion !== undefined) {
        return function (this: Reference, given, options) {
          const payload = conversion.payload(given);
          const call = { type, name: this.#name, action, payload, options };
          return convertedReply(this.#target.call(call), conversion);
        };
      }
      return function (this: Reference, payload, options) {
        return this.#target.call({ type, name: this.#name, action, payload, options });
      };
    }
  }
  for (const name of actionNames(type.definition)) {
    const value = Reference.method(findAction(type.definition, name)!);
    Object.defineProperty(Reference.prototype, name, { value, enumerable: true });
  }
  return Reference;
}

type ReferenceMethod = (
  payload?: unknown,
  options?: CallOptions & SendOptions & InSystem,
) => unknown;

/** The reply of a call as its caller gets it. What is sent has an id and no reply. */
function convertedReply(answer: unknown, { reply }: Conversion): unknown {
  if (!(answer instanceof Promise)) return answer;
  const converted = answer.then(reply);
  // As with every call of an action: one that it forgets to wait for does not end the process.
  if (currentRun() !== undefined) converted.catch(() => undefined);
  return converted;
}

/** The actions of a definition, and `get` unless a stateless actor has none. */
function actionNames(definition: ActorDefinition): ReadonlySet<string> {
  const names = new Set(definition.actions.keys());
  if (definition.state !== undefined) names.add("get");
  return names;
}

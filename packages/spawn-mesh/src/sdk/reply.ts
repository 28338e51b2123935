/**
 * `reply(value)`: an answer with things to do, for those who like to say it in one expression. Each of
 * its methods is a method of the context under another spelling.
 */
import { ActionReply } from "../engine/index.ts";
import type { ActorKind, SendRequest, Tags } from "../engine/index.ts";
import type { ActorOf, NameOf } from "./actor.ts";
import { definitionOfActor } from "./actor.ts";
import type { EffectRef, FailuresOf, ReplyOf } from "./actor-ref.ts";

/** A message that {@link effect} describes. Nothing is sent before it is given to a reply. */
export interface Effect {
  readonly name: string;
  readonly request: SendRequest;
}

/** What an action cannot be the next step for. */
type PipeProblem<Run, Value> = Run extends (context: never, ...payload: infer Payload) => unknown
  ? Payload extends [infer Required]
    ? [Value] extends [Required]
      ? unknown
      : { readonly "~problem": "its payload is not the value of this reply" }
    : unknown
  : unknown;

/**
 * What an action answers, with what it wants done besides. It is a value of its own: each method
 * returns one that does more. Nothing happens before the action returns it.
 */
export interface Reply<Value, Failures = never> {
  /** Never there: carries the type of the answer. */
  readonly "~reply"?: Value;
  /** Never there: carries the failures of the actor that answers instead. */
  readonly "~failures"?: Failures;
  /** Sends messages, as `ctx.effect` does. */
  effects(...effects: readonly Effect[]): Reply<Value, Failures>;
  /** Lets another actor answer the caller, with this value as its payload. */
  pipe<S, A, K extends ActorKind, const Name extends keyof A & string>(
    definition: ActorOf<S, A, K>,
    ...nameAndAction: [...NameOf<K>, Name & PipeProblem<A[Name], Value>]
  ): Reply<ReplyOf<A[Name]>, FailuresOf<A[Name]>>;
  /** Lets another actor answer the caller, with the payload of this action as its payload. */
  forward<S, A, K extends ActorKind, const Name extends keyof A & string>(
    definition: ActorOf<S, A, K>,
    ...nameAndAction: [...NameOf<K>, Name]
  ): Reply<ReplyOf<A[Name]>, FailuresOf<A[Name]>>;
  /** Sends a payload to all subscribers of a channel. */
  broadcast(channel: string, payload?: unknown): Reply<Value, Failures>;
  /** Sets the labels of this actor. */
  tags(tags: Tags): Reply<Value, Failures>;
  /** Lets the answer of a write-behind actor wait until its state is written. */
  checkpoint(): Reply<Value, Failures>;
}

/** An answer that can say more than its value. */
export function reply<Value>(value: Value): Reply<Value>;
/** An answer without a value. */
export function reply(): Reply<undefined>;
export function reply(value?: unknown): Reply<unknown> {
  return new BuiltReply(value);
}

class BuiltReply extends ActionReply implements Reply<unknown> {
  effects(...effects: readonly Effect[]): this {
    return this.also((context) => {
      for (const { name, request } of effects) context.send(name, request);
    });
  }

  pipe(definition: unknown, ...nameAndAction: readonly string[]): this {
    return this.also((context) => context.pipe(definition, ...nameAndAction));
  }

  forward(definition: unknown, ...nameAndAction: readonly string[]): this {
    return this.also((context) => context.forward(definition, ...nameAndAction));
  }

  broadcast(channel: string, payload?: unknown): this {
    return this.also((context) => context.broadcast(channel, payload));
  }

  tags(tags: Tags): this {
    return this.also((context) => {
      context.tags = tags;
    });
  }

  checkpoint(): this {
    return this.also((context) => context.checkpoint());
  }
}

/** Describes messages to an actor, for `reply(…).effects(…)`: `effect(cart, "ann").add("apple")`. */
export function effect<S, A, K extends ActorKind>(
  defined: ActorOf<S, A, K>,
  ...[instance]: NameOf<K>
): EffectRef<A, Effect> {
  const { name: definition, actions } = definitionOfActor(defined);
  const name = instance ?? definition;
  const methods = [...actions].map(([action, { conversion }]) => [
    action,
    (given?: unknown, options?: object): Effect => {
      const payload = conversion === undefined ? given : conversion.payload(given);
      return { name, request: { ...options, definition, action, payload } };
    },
  ]);
  return Object.fromEntries(methods) as EffectRef<A, Effect>;
}

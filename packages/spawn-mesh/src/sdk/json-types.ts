/**
 * Types that say at compile time what the engine checks at run time: state, payloads and replies are
 * JSON values. Interfaces do not fit `JsonValue` (they have no index signature), so the check walks
 * the type.
 */
import type { Message } from "@bufbuild/protobuf";
import type { Failure } from "../engine/index.ts";
import type { Answer } from "./actor-ref.ts";
import type { Reply } from "./reply.ts";

/** What a value would be refused for. */
export interface NotJson<Where extends string> {
  readonly "~problem": {
    readonly [
      What in Where
    ]: "no JSON value: expected null, boolean, number, string, arrays and plain objects";
  };
}

type Primitive = null | undefined | boolean | number | string;
type Opaque =
  | bigint
  | symbol
  | ((...values: never) => unknown)
  | Date
  | RegExp
  | Error
  | Promise<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | ArrayBuffer
  | ArrayBufferView;

type IsAny<T> = 0 extends 1 & T ? true : false;
/** How deep types are looked at; deeper ones are left to the check at run time. */
type Deeper = { 5: 4; 4: 3; 3: 2; 2: 1; 1: 0; 0: never };

/** The parts of `T` that are no JSON value; `never` when all is well. */
type Offence<T, Depth extends keyof Deeper = 5> =
  IsAny<T> extends true
    ? never
    : [T] extends [never]
      ? never
      : unknown extends T
        ? never
        : T extends Primitive | void
          ? never
          : T extends Failure
            ? never
            : T extends Opaque | Message
              ? T
              : Depth extends 0
                ? never
                : T extends readonly (infer Item)[]
                  ? Offence<Item, Deeper[Depth]>
                  : T extends object
                    ? { [Field in keyof T]-?: Offence<T[Field], Deeper[Depth]> }[keyof T]
                    : T;

type Check<T, Where extends string> = [Offence<T>] extends [never] ? unknown : NotJson<Where>;

/** The payload of an `rpc(…)` is a message or its fields; a message alone is one that nobody would decode. */
type CheckPayload<T> =
  IsAny<T> extends true
    ? unknown
    : [Extract<T, Message>] extends [never]
      ? Check<T, "payload">
      : [T] extends [Message]
        ? NotJson<"payload">
        : unknown;

/** The reply of an `rpc(…)` comes as a `Reply` of its message. */
type CheckReply<T> =
  IsAny<T> extends true
    ? unknown
    : [Extract<T, Reply<Message, unknown>>] extends [never]
      ? Check<Answer<T>, "reply">
      : unknown;

type PayloadOf<Run> = Run extends (context: never, payload: infer Payload) => unknown
  ? Payload
  : undefined;
type ReturnedBy<Run> = Run extends (...inputs: never) => infer Returned ? Awaited<Returned> : never;

/** Nothing when state, payloads and replies are JSON values; otherwise what makes the definition a type error. */
export type JsonProblem<State, ActionsOf> = ([State] extends [Message]
  ? unknown
  : [Offence<State>] extends [never]
    ? unknown
    : { readonly state: NotJson<"state"> }) & {
  readonly actions: {
    readonly [Name in keyof ActionsOf]: CheckPayload<PayloadOf<ActionsOf[Name]>> &
      CheckReply<ReturnedBy<ActionsOf[Name]>>;
  };
};

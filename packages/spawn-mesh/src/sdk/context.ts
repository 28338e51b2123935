import type { ActorId, InvokeRequest, SendOptions, SendRequest, Tags } from "../engine/index.ts";
import type { ActorOf, NameOf } from "./actor.ts";
import type { ActorRef, EffectRef } from "./actor-ref.ts";
import type { External } from "./external.ts";
import type { ActorKind } from "../engine/index.ts";

/** What an action receives first. Each run has its own; when the run is over, using it throws `CANCELLED`. */
export interface Context<State> {
  /** The state, to read and to change. Returning from the action is the commit; throwing changes nothing. */
  state: State;
  /** Labels kept beside the state, never encrypted; assign a new object to change them. */
  tags: Tags;
  /** Who this actor is. */
  readonly self: ActorId;
  /** The actor whose action made this call; `undefined` for a call from outside. */
  readonly caller: ActorId | undefined;
  /** Text that came with the call. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How many commits the state has behind it. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Aborts when the deadline passes or the caller gives up. */
  readonly signal: AbortSignal;
  /** A reference to another actor. Its calls leave after the commits that this action could have seen. */
  actor<S, A, K extends ActorKind>(
    definition: ActorOf<S, A, K>,
    ...name: NameOf<K>
  ): ActorRef<S, A>;
  /** Calls another actor by name and waits. */
  invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply>;
  /**
   * A reference whose methods send messages to another actor, or to this one. A message is stored with
   * what this action changes, and not at all if the action fails; it is then delivered exactly once,
   * in the order in which this actor sent to that one. Nobody waits for it. Each method returns the id
   * of its message.
   */
  effect<S, A, K extends ActorKind>(definition: ActorOf<S, A, K>, ...name: NameOf<K>): EffectRef<A>;
  /** Sends a message to an actor by name, as {@link Context.effect}; returns its id. */
  send(name: string, request: SendRequest): string;
  /**
   * Lets another actor answer the caller: when this action is committed, that one is called with what
   * this action returns. `ctx.pipe(stock, "apple", "reserve")`; `ctx.pipe(billing, "charge")` for a
   * named actor. The step is stored with the change: it happens even if this process dies.
   */
  pipe<S, A, K extends ActorKind>(
    definition: ActorOf<S, A, K>,
    ...nameAndAction: [...NameOf<K>, keyof A & string]
  ): void;
  /** As {@link Context.pipe}, with the payload that this action received. */
  forward<S, A, K extends ActorKind>(
    definition: ActorOf<S, A, K>,
    ...nameAndAction: [...NameOf<K>, keyof A & string]
  ): void;
  /**
   * Sends a payload to all subscribers of a channel, in the order of its broadcasts. Stored like a message; returns its
   * id.
   */
  broadcast(channel: string, payload?: unknown): string;
  /**
   * Has something done outside, after the commit of what this action changes and not at all if it
   * fails: at least once, with the same id each time. Returns that id.
   */
  external<Payload>(external: External<Payload>, payload: Payload, options?: SendOptions): string;
  /**
   * Cancels a message that this actor sent, by the id that it gave or was told; a repeated one for
   * good. It is part of the commit: stored with what this action changes, and not at all if it fails.
   * From then on nothing of the message is done. What was done before stays, as does what is parked;
   * the state tells, as there is no answer. A write-behind actor has cancelled when its state is written.
   */
  cancel(id: string): void;
  /** Lets the reply of a write-behind actor wait until its state is written. Durable ones always do. */
  checkpoint(): void;
  /**
   * Ends this actor with this action: in the same commit its state, tags, index, revisions, stored replies and
   * timers go, and not at all if the action fails. What it answers and sends is not touched. Calls behind it
   * find a new actor of that name.
   *
   * An actor without a state is refused with `INVALID_ARGUMENT` when the action returns.
   */
  delete(): void;
}

/** What a read receives: the same, with a state that it promises not to change. */
export type ReadContext<State> = Omit<Context<State>, "state" | "tags"> & {
  readonly state: Readonly<State>;
  readonly tags: Tags;
};

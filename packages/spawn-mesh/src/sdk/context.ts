import type { ActorId, InvokeRequest, Tags } from "../engine/index.ts";
import type { ActorOf, NameOf } from "./actor.ts";
import type { ActorRef } from "./actor-ref.ts";
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
}

/** What a read receives: the same, with a state that it promises not to change. */
export type ReadContext<State> = Omit<Context<State>, "state" | "tags"> & {
  readonly state: Readonly<State>;
  readonly tags: Tags;
};

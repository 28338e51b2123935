/** What an action receives besides its payload, and how it calls others. */
import type { ActorId } from "../actor-id.ts";
import type { SpawnError } from "../errors.ts";
import type { SendOptions, SendRequest } from "../messages/send-options.ts";
import type { Tags } from "../statestore.ts";

/** A call to another actor by name. */
export interface InvokeRequest {
  /** The action to run. */
  readonly action: string;
  readonly payload?: unknown;
  /** The definition, when the actor called is not a named one. */
  readonly definition?: string | undefined;
  /** The actor system. Default: the caller's own. */
  readonly system?: string | undefined;
  /** Time for the call, in milliseconds. Default 60 000, and inside an action what is left of its own. */
  readonly deadlineMs?: number | undefined;
  /** The call is applied at most once however often it is repeated with this key. */
  readonly idempotencyKey?: string | undefined;
  /** Gives up waiting when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Text that goes with the call, as `ctx.metadata`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Resolve as soon as the call is accepted: in order, but not durable. */
  readonly async?: boolean | undefined;
  /**
   * Deliver it after so many milliseconds. The call resolves, to nothing, when that is stored: what
   * comes of it is nobody's answer. Inside an action it is stored with what the action changes.
   */
  readonly delayMs?: number | undefined;
  /** Deliver it at this time, in milliseconds since 1970; as {@link InvokeRequest.delayMs}. */
  readonly scheduledTo?: number | undefined;
}

/** Whether a run should stop. */
export interface Cancellation {
  /** Why; `undefined` as long as it goes on. */
  readonly reason: SpawnError | undefined;
  /** Is called when there is a reason. There is one at a time. */
  listener: (() => void) | undefined;
}

/** What an action receives. `ActionContext` of the SDK has the same with types. */
export interface ActionContext {
  /** The state, to read and change. */
  state: unknown;
  /** Labels kept beside the state; assign a new object to change them. */
  tags: Tags;
  readonly self: ActorId;
  /** The actor whose action made this call; `undefined` for a call from outside. */
  readonly caller: ActorId | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Commits that the state has behind it. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Aborts when the deadline passes or the caller gives up. */
  readonly signal: AbortSignal;
  /** The same for a host that makes many runs: a signal and its listener cost more than most of a run. */
  readonly cancellation: Cancellation;
  /** Calls another actor by name and waits. */
  invoke(name: string, request: InvokeRequest): Promise<unknown>;
  /** A reference to another actor. */
  actor(target: unknown, name?: string): unknown;
  /**
   * Sends a message to another actor, by name. It is stored with what this action changes, and not at
   * all if the action fails; nobody waits for it. Returns the id of the message.
   */
  send(name: string, request: SendRequest): string;
  /** A reference whose calls send messages. */
  effect(target: unknown, name?: string): unknown;
  /** Lets another actor answer the caller, with what this action returns as its payload. */
  pipe(target: unknown, ...nameAndAction: readonly string[]): void;
  /** Lets another actor answer the caller, with the payload of this action as its payload. */
  forward(target: unknown, ...nameAndAction: readonly string[]): void;
  /**
   * Sends a payload to all subscribers of a channel; returns the id of the message.
   *
   * @param action what it calls on all of them. Default: what each subscription says
   */
  broadcast(channel: string, payload?: unknown, action?: string): string;
  /** Has a function outside carried out after the commit; returns the id of the message. */
  external(
    target: string | { readonly name: string },
    payload?: unknown,
    options?: SendOptions,
  ): string;
  /**
   * Cancels a message of this actor, by the id that it gave or was told; a repeated one for good. That
   * is stored with what this action changes, and not at all if the action fails: then nothing of the
   * message is or will be done. One that was done before, or is parked, stays as it is.
   */
  cancel(id: string): void;
  /** Lets the reply of a write-behind actor wait until the state is written. */
  checkpoint(): void;
  /** Deletes this actor with the commit of this action, and not at all if the action fails. */
  delete(): void;
}

/** What the methods of a reference do. */
export type ReferenceCall = (name: string, request: InvokeRequest & SendRequest) => unknown;

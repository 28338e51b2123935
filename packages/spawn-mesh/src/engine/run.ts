/**
 * One run of an action: what its code receives as `context`, and what it changed.
 *
 * Each run has its own context, never used again. It is revoked when the run ends or is abandoned:
 * later use of it throws `CANCELLED`, so that code which goes on in the background can change
 * nothing and call nobody in the actor's name.
 */
import type { ActorId } from "./actor-id.ts";
import { SpawnError } from "./errors.ts";
import type { Invocation } from "./invocation.ts";
import type { Tags } from "./statestore.ts";

/** A call to another actor by name. */
export interface InvokeRequest {
  /** The action to run. */
  readonly action: string;
  readonly payload?: unknown;
  /** The definition, when the actor called is not a named one. */
  readonly definition?: string;
  /** The actor system. Default: the caller's own. */
  readonly system?: string;
  /** Time for the call, in milliseconds. Default 60 000, and inside an action what is left of its own. */
  readonly deadlineMs?: number;
  /** The call is applied at most once however often it is repeated with this key. */
  readonly idempotencyKey?: string;
  /** Gives up waiting when it aborts. */
  readonly signal?: AbortSignal;
  /** Text that goes with the call, as `ctx.metadata`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Resolve as soon as the call is accepted: in order, but not durable. */
  readonly async?: boolean;
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
  /** Calls another actor by name and waits. */
  invoke(name: string, request: InvokeRequest): Promise<unknown>;
  /** A reference to another actor. */
  actor(target: unknown, name?: string): unknown;
}

/** The activation, as its runs see it. */
export interface RunOwner {
  readonly id: ActorId;
  readonly tags: Tags;
  readonly revision: number;
  readState(): unknown;
  writeState(state: unknown): void;
  wall(): number;
  call(run: Run, name: string, request: InvokeRequest): Promise<unknown>;
  /** A call failed that the run did not wait for. */
  unheard(run: Run, error: Error): void;
  reference(run: Run, target: unknown, name: string | undefined): unknown;
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});

export class Run implements ActionContext {
  readonly invocation: Invocation;
  #owner: RunOwner | undefined;
  #abort: AbortController | undefined;
  #abortReason: SpawnError | undefined;
  /** Whether the code looked at the state, so that it may have changed. */
  isStateUsed = false;
  /** The tags that the code set. */
  newTags: Tags | undefined;
  /** Whether the actor is to be deleted. */
  isDelete = false;

  constructor(owner: RunOwner, invocation: Invocation) {
    this.#owner = owner;
    this.invocation = invocation;
  }

  get state(): unknown {
    this.isStateUsed = true;
    return this.#live().readState();
  }

  set state(state: unknown) {
    this.isStateUsed = true;
    this.#live().writeState(state);
  }

  get tags(): Tags {
    const { tags } = this.#live();
    return this.newTags ?? tags;
  }

  set tags(tags: Tags) {
    this.#live();
    this.newTags = tags;
  }

  get self(): ActorId {
    return this.#live().id;
  }

  get caller(): ActorId | undefined {
    this.#live();
    return this.invocation.details?.caller;
  }

  get metadata(): Readonly<Record<string, string>> {
    this.#live();
    return this.invocation.details?.metadata ?? NO_METADATA;
  }

  get revision(): number {
    return this.#live().revision;
  }

  get now(): number {
    return this.#live().wall();
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  /**
   * Never throws: a run that is over answers with a rejection. An action that forgets to wait for its
   * call must not end the process when the call fails, so every rejection counts as handled here; one
   * that comes after the run is told as an event.
   */
  invoke(name: string, request: InvokeRequest): Promise<unknown> {
    const owner = this.#owner;
    const call = this.#invoke(name, request);
    call.catch((error: Error) => {
      if (this.isRevoked) owner?.unheard(this, error);
    });
    return call;
  }

  async #invoke(name: string, request: InvokeRequest): Promise<unknown> {
    return await this.#live().call(this, name, request);
  }

  actor(target: unknown, name?: string): unknown {
    return this.#live().reference(this, target, name);
  }

  /** The code should stop: its result will not be used. */
  abort(reason: SpawnError): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  /** Whether the run is over, so that it can call nobody any more. */
  get isRevoked(): boolean {
    return this.#owner === undefined;
  }

  /** The run is over, and its context with it. */
  revoke(): void {
    this.#owner = undefined;
  }

  /** @throws {SpawnError} `CANCELLED` when the run is over */
  #live(): RunOwner {
    if (this.#owner === undefined) {
      throw new SpawnError(
        "CANCELLED",
        `the run of ${this.invocation.action.name} is over; its context cannot be used any more`,
      );
    }
    return this.#owner;
  }
}

/**
 * One run of an action: what its code receives as `context`, and what it changed.
 *
 * Each run has its own context, never used again. It is revoked when the run ends or is abandoned:
 * later use of it throws `CANCELLED`, so that code which goes on in the background can change
 * nothing and call nobody in the actor's name.
 */
import type {
  ActionContext,
  Cancellation,
  InvokeRequest,
  ReferenceCall,
} from "./action-context.ts";
import { checkName } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { isScheduled, scheduledMessage } from "../calls/call-options.ts";
import { without } from "../commits/commit-batch.ts";
import { SpawnError } from "../errors.ts";
import type { Invocation } from "../calls/invocation.ts";
import type { Limits } from "../limits.ts";
import { idsMeant } from "../messages/message-ids.ts";
import { unitsOf } from "../messages/message-payload.ts";
import { EXTERNAL } from "../messages/sending.ts";
import type { SendOptions, SendRequest } from "../messages/send-options.ts";
import type { Outgoing } from "../messages/sending.ts";
import type { Tags } from "../statestore.ts";

/** Who goes on with the call when the action is done. */
export interface Routing {
  readonly kind: "pipe" | "forward";
  readonly name: string;
  readonly request: SendRequest;
}

/** The activation, as its runs see it. */
export interface RunOwner {
  readonly id: ActorId;
  readonly tags: Tags | undefined;
  readonly revision: number;
  readonly isUntouched: boolean;
  readonly limits: Limits;
  readState(): unknown;
  writeState(state: unknown): void;
  wall(): number;
  call(run: Run, name: string, request: InvokeRequest): Promise<unknown>;
  /** A call failed that the run did not wait for, or its listener. */
  unheard(run: Run, error: Error): void;
  reference(target: unknown, name: string | undefined, call: ReferenceCall): unknown;
  /** A message of the run. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
  compose(run: Run, name: string, request: SendRequest): Outgoing;
  /** A message of the run to a channel. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
  composeBroadcast(channel: string, payload: unknown, action: string | undefined): Outgoing;
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze({});
const NO_TAGS: Tags = Object.freeze({});

export class Run implements ActionContext {
  readonly invocation: Invocation;
  #owner: RunOwner | undefined;
  #abort: AbortController | undefined;
  #abortReason: SpawnError | undefined;
  #cancellation: { reason: SpawnError | undefined; listener: (() => void) | undefined } | undefined;
  /** Whether the code looked at the state, so that it may have changed. */
  isStateUsed = false;
  /** Whether the state is an object that the code gave. */
  isStateAssigned = false;
  /** The tags that the code set. */
  newTags: Tags | undefined;
  /** Whether the actor is to be deleted. */
  isDelete = false;
  /** Whether the actor comes into being by this, even with the state that it would have anyway. */
  isCreation = false;
  /** The messages that the code sent. */
  sends: Outgoing[] | undefined;
  /** The ids of the messages that the code cancelled, which were sent before. */
  cancels: string[] | undefined;
  /** Who answers the caller instead. */
  routing: Routing | undefined;
  /** Whether the change is to be written before the reply leaves. */
  isCheckpoint = false;
  #sentUnits = 0;
  /** How many calls the code has made. */
  callCount = 0;

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
    this.isStateAssigned = true;
  }

  get tags(): Tags {
    const { tags } = this.#live();
    return this.newTags ?? tags ?? NO_TAGS;
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

  /** Whether nothing was done since the last durable commit that has to be stored. */
  get isUntouched(): boolean {
    return this.#live().isUntouched;
  }

  get now(): number {
    return this.#live().wall();
  }

  get signal(): AbortSignal {
    this.#live();
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  get cancellation(): Cancellation {
    this.#live();
    return (this.#cancellation ??= { reason: this.#abortReason, listener: undefined });
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
    const owner = this.#live();
    if (!isScheduled(request)) return await owner.call(this, name, request);
    this.send(name, scheduledMessage(request));
    return undefined;
  }

  actor(target: unknown, name?: string): unknown {
    return this.#live().reference(target, name, (called, request) => this.invoke(called, request));
  }

  send(name: string, request: SendRequest): string {
    return this.#add(this.#live().compose(this, name, request));
  }

  effect(target: unknown, name?: string): unknown {
    return this.#live().reference(target, name, (called, request) => this.send(called, request));
  }

  pipe(target: unknown, ...nameAndAction: readonly string[]): void {
    this.#route("pipe", target, nameAndAction);
  }

  forward(target: unknown, ...nameAndAction: readonly string[]): void {
    this.#route("forward", target, nameAndAction);
  }

  broadcast(channel: string, payload?: unknown, action?: string): string {
    return this.#add(this.#live().composeBroadcast(channel, payload, action));
  }

  external(
    target: string | { readonly name: string },
    payload?: unknown,
    options?: SendOptions,
  ): string {
    const name = typeof target === "string" ? target : target?.name;
    checkName("external", name);
    return this.send(name, { ...options, definition: EXTERNAL, action: name, payload });
  }

  cancel(id: string): void {
    const owner = this.#live();
    const ids = idsMeant(owner.id, id);
    this.cancels ??= [];
    if (this.cancels.length + ids.length > owner.limits.sendsMax) {
      throw new SpawnError(
        "PAYLOAD_TOO_LARGE",
        `one run cancels at most ${owner.limits.sendsMax} messages`,
      );
    }
    this.cancels.push(...ids);
    if (this.sends !== undefined) this.sends = without(this.sends, ids);
  }

  checkpoint(): void {
    this.#live();
    this.isCheckpoint = true;
  }

  #route(kind: Routing["kind"], target: unknown, nameAndAction: readonly string[]): void {
    const owner = this.#live();
    if (this.routing !== undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${kind}: one actor answers the caller, and this action has chosen one already`,
      );
    }
    const action = nameAndAction.at(-1) ?? "";
    const name = nameAndAction.length > 1 ? nameAndAction[0] : undefined;
    const reference = owner.reference(target, name, (called, request) => {
      this.routing = { kind, name: called, request };
    }) as Readonly<Record<string, unknown>>;
    const method = reference[action];
    if (typeof method !== "function") {
      const names: string[] = [];
      for (const known in reference) names.push(known);
      throw new SpawnError(
        "ACTION_NOT_FOUND",
        `${kind}: there is no action ${JSON.stringify(action)}; there are ${names.join(", ")}`,
      );
    }
    Reflect.apply(method, reference, []);
  }

  /** @throws {SpawnError} `PAYLOAD_TOO_LARGE` when the run sends more than it may */
  #add(outgoing: Outgoing): string {
    const { sendsMax, sendsUnitsMax } = this.#live().limits;
    this.sends ??= [];
    this.#sentUnits += unitsOf(outgoing);
    if (this.sends.length >= sendsMax || this.#sentUnits > sendsUnitsMax) {
      throw new SpawnError(
        "PAYLOAD_TOO_LARGE",
        `one run sends at most ${sendsMax} messages with ${sendsUnitsMax} characters; send the rest from a message to this actor itself`,
      );
    }
    this.sends.push(outgoing);
    return outgoing.id;
  }

  /** The code should stop: its result will not be used. */
  abort(reason: SpawnError): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
    if (this.#cancellation === undefined) return;
    this.#cancellation.reason = reason;
    try {
      this.#cancellation.listener?.();
    } catch (error) {
      // It is the host's, and others wait for the time that is looked after here.
      this.#owner?.unheard(this, error as Error);
    }
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

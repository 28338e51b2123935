/**
 * One run of an action that a sidecar asks for: the state came with the request, and what the run
 * changed and sent goes back with the answer. The run itself, its context and its rules are the
 * engine's, so that an action cannot tell where it runs.
 */
import { ActionReply } from "../engine/calls/action-reply.ts";
import { formatActorId } from "../engine/actor-id.ts";
import { cronTimes } from "../sdk/cron-times.ts";
import { Invocation } from "../engine/calls/invocation.ts";
import {
  SpawnError,
  defaultLimits,
  isFailure,
  systemClock,
  systemRandom,
} from "../engine/index.ts";
import type {
  ActionDefinition,
  ActorDefinition,
  ActorId,
  EventListener,
  Host,
  InvokeRequest,
  Limits,
  ReferenceCall,
  SendRequest,
  Tags,
} from "../engine/index.ts";
import { Run } from "../engine/activations/run.ts";
import type { RunOwner } from "../engine/activations/run.ts";
import { failureOf } from "../engine/activations/run-outcome.ts";
import { EXTERNAL, composeBroadcast, composeCall } from "../engine/messages/sending.ts";
import type { Outgoing, SendingParts } from "../engine/messages/sending.ts";
import { errorAt, isSpawnError } from "../engine/errors.ts";
import { checkTextRecord } from "../engine/values/text-record.ts";
import { indexEntries } from "../engine/values/index-values.ts";
import { copyBounded, copyValue } from "../engine/values/values.ts";
import { checkSendOverWire, notOverWire } from "./over-the-wire.ts";
import { UNKNOWN_ID } from "./sidecar-calls.ts";

/** What comes with the request. */
export interface HostedInvocation {
  readonly definition: ActorDefinition;
  readonly id: ActorId;
  readonly action: ActionDefinition;
  readonly payload: unknown;
  /** The state as it is stored; `undefined` for a new actor. */
  readonly stateText: string | undefined;
  /** The version of that, if it is an older one. */
  readonly olderVersion: number | undefined;
  readonly tags: Tags;
  readonly revision: number;
  readonly caller: ActorId | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether the sidecar understands what the protocol has no words for. */
  readonly isUnderstood: boolean;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A message of a run, with the request that it was made of. */
export interface HostedOutgoing extends Outgoing {
  readonly request: SendRequest | undefined;
}

/** What a run that went well leaves. */
export interface HostedOutcome {
  readonly run: Run;
  readonly reply: unknown;
  /** The state as it is to be stored. */
  readonly stateText: string | undefined;
  readonly tags: Tags;
  /** The fields that the actor is found by, as JSON. */
  readonly index: string | undefined;
}

/** What runs need of the program around them. */
export interface HostedRunParts {
  readonly host: Host;
  /** A call that an actor makes while its action runs. */
  readonly call: (self: ActorId, name: string, request: InvokeRequest) => Promise<unknown>;
  readonly emit: EventListener;
}

/** JSON for `null`, as a state: a sidecar takes the word alone for no state at all, as most SDKs mean it. */
const NULL_STATE = "null ";

const random = systemRandom();
const nobody = { resolve: (): void => undefined, reject: (): void => undefined };

/** Runs an action. @throws {SpawnError} when it failed; then nothing of it counts */
export async function runHosted(
  invocation: HostedInvocation,
  parts: HostedRunParts,
): Promise<HostedOutcome> {
  return await new HostedRun(invocation, parts).run();
}

class HostedRun implements RunOwner {
  readonly id: ActorId;
  readonly tags: Tags;
  readonly revision: number;
  /** Nobody here knows. */
  readonly isUntouched = false;
  readonly limits: Limits = defaultLimits;
  readonly #invocation: HostedInvocation;
  readonly #parts: HostedRunParts;
  readonly #run: Run;
  #state: unknown;
  #isRead = false;
  #hasBroadcast = false;

  constructor(invocation: HostedInvocation, parts: HostedRunParts) {
    const { id, tags, revision, action, payload, caller, metadata } = invocation;
    this.id = id;
    this.tags = tags;
    this.revision = revision;
    this.#invocation = invocation;
    this.#parts = parts;
    const details = {
      idempotencyKey: undefined,
      fingerprint: "",
      metadata,
      caller,
      chain: [],
      message: undefined,
    };
    const request = { action, payload, units: 0, deadlineAt: Infinity, details };
    this.#run = new Run(this, new Invocation(request, nobody));
  }

  async run(): Promise<HostedOutcome> {
    const { action, payload, signal } = this.#invocation;
    const onAbort = (): void => this.#run.abort(signal.reason as SpawnError);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const input = action.parse === undefined ? payload : action.parse(payload);
      const result = await this.#result(action, input);
      return this.#outcome(result);
    } catch (error) {
      throw this.#errorOf(error);
    } finally {
      this.#run.revoke();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** What is wrong with a payload, reply or state is told with the action that it is of, as it is embedded. */
  #errorOf(thrown: unknown): SpawnError {
    const { name } = this.#invocation.action;
    if (!isSpawnError(thrown)) return failureOf(this.id, name, thrown);
    if (thrown.code === "ACTION_FAILED") return thrown;
    return errorAt(`${formatActorId(this.id)} ${name}`, thrown);
  }

  /** What the code returned. Whatever it throws is the action's failure. */
  async #result(action: ActionDefinition, input: unknown): Promise<unknown> {
    let result: unknown;
    try {
      result = await this.#parts.host.run(action.run, this.#run, input);
    } catch (thrown) {
      throw failureOf(this.id, action.name, thrown);
    }
    if (isFailure(result)) throw failureOf(this.id, action.name, result);
    return result;
  }

  #outcome(result: unknown): HostedOutcome {
    let value = result;
    if (result instanceof ActionReply) {
      result.applyTo(this.#run);
      value = result.value;
    }
    const run = this.#run;
    run.revoke();
    if (isFailure(value)) throw failureOf(this.id, run.invocation.action.name, value);
    if (run.cancels !== undefined) this.#check("ctx.cancel", "let the target refuse it");
    const reply = copyBounded(value, "reply", this.limits.payloadBytesMax);
    const stateText = run.isStateUsed ? this.#stateText() : this.#invocation.stateText;
    const tags = run.newTags === undefined ? this.tags : this.#newTags(run.newTags);
    const { isRead } = run.invocation.action;
    if (isRead) this.#checkRead(stateText, tags);
    const index = isRead ? undefined : this.#index();
    return { run, reply, stateText, tags, index };
  }

  /** Only the sidecar knows what is stored, so they are told again when they are the same. @throws {SpawnError} */
  #index(): string | undefined {
    const { index } = this.#invocation.definition;
    if (index === undefined) return undefined;
    const fields = index(this.readState());
    indexEntries(fields);
    return JSON.stringify({ ...(fields as object) });
  }

  #checkRead(stateText: string | undefined, tags: Tags): void {
    const { stateText: before, action } = this.#invocation;
    const { sends, cancels, routing } = this.#run;
    const hasSent = [sends, cancels, routing].some((sent) => sent !== undefined);
    const isChanged = (before !== undefined && stateText !== before) || tags !== this.tags;
    if (!isChanged && !hasSent) return;
    const did = isChanged ? "changed the state" : "sent or cancelled a message";
    throw new TypeError(`${action.name} is a read and ${did}`);
  }

  /** The state as text: that from before when it is still the same, however that was written. */
  #stateText(): string | undefined {
    const { definition, stateText, olderVersion } = this.#invocation;
    const before = olderVersion === undefined ? stateText : undefined;
    const { codec } = definition.state!;
    const text = codec.encode(this.#state) as string;
    if (before !== undefined && codec.encode(codec.decode(before)) === text) return before;
    if (text === "null") return NULL_STATE;
    if (text.length > this.limits.stateUnitsMax) {
      throw new SpawnError(
        "PAYLOAD_TOO_LARGE",
        `state: expected a size of at most ${this.limits.stateUnitsMax}, got ${text.length}`,
      );
    }
    return text;
  }

  #newTags(tags: Tags): Tags {
    if (this.#invocation.definition.state === undefined) {
      throw new SpawnError("INVALID_ARGUMENT", `tags: ${this.id.definition} has no state`);
    }
    const copied = copyValue(tags, "tags");
    checkTextRecord("tags", copied);
    if (JSON.stringify(copied) === JSON.stringify(this.tags)) return this.tags;
    if (Object.keys(copied).length === 0) {
      this.#check("taking the last tag away", "keep one, with an empty text");
    }
    return copied;
  }

  readState(): unknown {
    if (this.#isRead) return this.#state;
    this.#isRead = true;
    const { definition, stateText, olderVersion } = this.#invocation;
    if (definition.state === undefined) return undefined;
    const { codec, initial, migrate } = definition.state;
    this.#state = stateText === undefined ? initial() : codec.decode(stateText);
    if (olderVersion !== undefined) this.#state = migrate(this.#state, olderVersion);
    return this.#state;
  }

  writeState(state: unknown): void {
    if (this.#invocation.definition.state === undefined) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${formatActorId(this.id)} has no state: its definition does not give one`,
      );
    }
    this.#isRead = true;
    this.#state = state;
  }

  wall(): number {
    return systemClock.wall();
  }

  call(_run: Run, name: string, request: InvokeRequest): Promise<unknown> {
    return this.#parts.call(this.id, name, request);
  }

  unheard(run: Run, error: Error): void {
    const { action } = run.invocation;
    this.#parts.emit({ type: "async-failed", actor: this.id, action: action.name, error });
  }

  reference(target: unknown, name: string | undefined, call: ReferenceCall): unknown {
    return this.#parts.host.reference(target, name, call);
  }

  compose(run: Run, name: string, request: SendRequest): Outgoing {
    if (request?.definition === EXTERNAL) {
      const instead = "do it in an action of a pooled actor, sent to by ctx.effect";
      this.#check("ctx.external", instead);
    }
    if (!this.#invocation.isUnderstood) checkSendOverWire(request);
    const { metadata } = run.invocation.details!;
    const composed = composeCall(this.#sending, { name, request }, { id: this.id, metadata });
    const { id, isNamed } = composed;
    const sent: HostedOutgoing = { ...composed, id: isNamed ? id : UNKNOWN_ID, request };
    return sent;
  }

  composeBroadcast(channel: string, payload: unknown, action: string | undefined): Outgoing {
    if (action !== undefined) {
      throw notOverWire("the action of a broadcast", "let each subscription name its own");
    }
    if (this.#hasBroadcast) {
      this.#check("a second broadcast of an action", "send the rest from a message to itself");
    }
    this.#hasBroadcast = true;
    const composed = composeBroadcast(this.#sending, channel, { payload });
    const sent: HostedOutgoing = { ...composed, id: UNKNOWN_ID, request: undefined };
    return sent;
  }

  /** @throws {SpawnError} `INVALID_ARGUMENT` when the sidecar has no words for it */
  #check(what: string, instead: string): void {
    if (!this.#invocation.isUnderstood) throw notOverWire(what, instead);
  }

  get #sending(): SendingParts {
    const { system } = this.id;
    return { system, clock: systemClock, random, limits: this.limits, cronTimes };
  }
}

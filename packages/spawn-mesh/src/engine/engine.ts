/**
 * The engine: takes invocations for actors, runs them, and keeps what they change.
 *
 * It imports nothing but itself. Time, randomness, the statestore and user code arrive through
 * ports, so that a simulation runs these very lines.
 */
import type { Activation } from "./activation.ts";
import { Admission } from "./admission.ts";
import type { ActorType, CallFromRun, EngineParts } from "./actor-type.ts";
import { ActorTypes, actionOf } from "./actor-types.ts";
import type { ActionDefinition, ActorDefinition } from "./actor-definition.ts";
import { checkName, formatActorId } from "./actor-id.ts";
import type { ActorId } from "./actor-id.ts";
import { sleep, systemClock, systemRandom } from "./clock.ts";
import type { Clock, Random, Timer } from "./clock.ts";
import {
  appliedBefore,
  checkKey,
  checkOptions,
  checkRequest,
  copyMetadata,
} from "./call-options.ts";
import type { CallOptions } from "./call-options.ts";
import { CommitWriter } from "./commit-writer.ts";
import { SpawnError, isSpawnError } from "./errors.ts";
import type { EventListener } from "./events.ts";
import { fingerprint } from "./fingerprint.ts";
import { plainHost } from "./host.ts";
import type { Host } from "./host.ts";
import { Invocation } from "./invocation.ts";
import type { Caller, InvocationDetails } from "./invocation.ts";
import { TIMEOUT_MS_MAX, checkWholeNumber, resolveLimits } from "./limits.ts";
import type { Limits } from "./limits.ts";
import { Loader } from "./loader.ts";
import type { InvokeRequest } from "./run.ts";
import { RunQueue } from "./run-queue.ts";
import type { Statestore } from "./statestore.ts";
import { StoredActorOperations } from "./stored-actor.ts";
import { copyBounded, lastCopiedUnits } from "./values.ts";
import { Time } from "./time.ts";
import { Watch } from "./watch.ts";

export interface EngineOptions {
  /** The name of the actor system. */
  readonly system: string;
  readonly definitions: readonly ActorDefinition[];
  readonly store: Statestore;
  /** Default: the real clock. */
  readonly clock?: Clock;
  /** Default: real randomness. */
  readonly random?: Random;
  /** Default: calls the functions of the definitions. */
  readonly host?: Host;
  readonly limits?: Partial<Limits>;
  /** How much of the process's heap is in use, in percent. Default: nothing is known about it. */
  readonly heapPercent?: () => number;
  /** Receives what the engine tells about itself. */
  readonly onEvent?: EventListener;
  /** Finds the engine of another actor system, for calls that name one. */
  readonly findSystem?: (name: string) => Engine | undefined;
}

/** A call with everything that it names found. */
export interface ActorCall {
  readonly type: ActorType;
  readonly name: string;
  readonly action: ActionDefinition;
  readonly payload: unknown;
  readonly options?: CallOptions | undefined;
  /** Where it comes from, when an action makes it. */
  readonly origin?: Origin | undefined;
}

/** Where a call comes from when an action makes it. */
export interface Origin {
  readonly caller: ActorId;
  readonly chain: readonly string[];
  readonly deadlineAt: number;
}

/** Time for a call when nothing else is said, in milliseconds. */
export const DEADLINE_MS_DEFAULT = 60_000;
/** Time for what is queued when a system stops, in milliseconds. */
export const DRAIN_TIMEOUT_MS_DEFAULT = 10_000;

const DRAIN_STEP_MS = 10;
const PRUNE_PERIOD_MS = 60_000;
/** How soon pruning goes on when there was more than it may take away at once. */
const PRUNE_AGAIN_MS = 100;
const PRUNE_ROWS_MAX = 1_000;
const NO_CHAIN: readonly string[] = [];
const NO_OPTIONS: CallOptions = {};

type Phase = "new" | "running" | "stopping" | "stopped";

export class Engine {
  readonly system: string;
  readonly #store: Statestore;
  readonly #parts: EngineParts;
  readonly #types: ActorTypes;
  readonly #owner: string;
  readonly #findSystem: (name: string) => Engine | undefined;
  #pruneTimer: Timer | undefined;
  #phase: Phase = "new";

  /** @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED` */
  constructor(options: EngineOptions) {
    checkName("system", options.system);
    this.system = options.system;
    this.#store = options.store;
    this.#findSystem = options.findSystem ?? (() => undefined);
    const clock = options.clock ?? systemClock;
    const time = new Time(clock);
    const random = options.random ?? systemRandom();
    const limits = resolveLimits(options.limits);
    const emit = safely(options.onEvent);
    this.#owner = toHex(random.id());
    const storeParts = { store: options.store, clock, random, limits, emit };
    this.#parts = {
      system: options.system,
      clock,
      time,
      random,
      limits,
      emit,
      host: options.host ?? plainHost,
      admission: new Admission(clock, limits, options.heapPercent ?? (() => 0)),
      runQueue: new RunQueue(clock, time),
      watch: new Watch(clock),
      loader: new Loader(storeParts),
      writer: new CommitWriter({ ...storeParts, owner: this.#owner }),
      callFrom: (call) => this.#callFrom(call),
    };
    this.#types = new ActorTypes(options.definitions, this.#parts);
  }

  /** Opens the statestore and begins to take calls. */
  async start(): Promise<void> {
    if (this.#phase !== "new")
      throw new SpawnError("INVALID_ARGUMENT", `the system ${this.system} was started before`);
    await this.#store.open({ owner: this.#owner });
    this.#phase = "running";
    this.#schedulePrune();
  }

  /** Whether it takes calls from outside. */
  get isRunning(): boolean {
    return this.#phase === "running";
  }

  // Calls.

  /** The registered type of that definition. @throws {SpawnError} `ACTOR_NOT_FOUND` */
  type(definition: string): ActorType {
    return this.#types.get(definition);
  }

  /** Calls an action of an actor whose type is known. Never throws: every failure is a rejection. */
  call(call: ActorCall): Promise<unknown> {
    return new Promise((resolve, reject: (error: SpawnError) => void) => {
      try {
        this.#submit(call, { resolve, reject });
      } catch (error) {
        reject(
          isSpawnError(error)
            ? error
            : new SpawnError("INTERNAL", "a call could not be accepted", { cause: error }),
        );
      }
    });
  }

  /** Calls an action by names. */
  async invoke(name: string, request: InvokeRequest): Promise<unknown> {
    return await this.#invokeFrom(name, request, undefined);
  }

  async #invokeFrom(
    name: string,
    request: InvokeRequest,
    origin: Origin | undefined,
  ): Promise<unknown> {
    const { action: actionName, payload, definition, system, ...options } = checkRequest(request);
    const engine = this.#engineOf(system);
    const type = engine.#types.typeOf(name, definition);
    const action = actionOf(type, actionName);
    return await engine.call({ type, name, action, payload, options, origin });
  }

  #engineOf(system: string | undefined): Engine {
    if (system === undefined || system === this.system) return this;
    const engine = this.#findSystem(system);
    if (engine === undefined)
      throw new SpawnError(
        "ACTOR_NOT_FOUND",
        `there is no actor system ${JSON.stringify(system)} here`,
      );
    return engine;
  }

  #submit(call: ActorCall, caller: Caller): void {
    const { type, name, action, options, origin } = call;
    this.checkAccepting(call);
    const { time, limits } = this.#parts;
    const payload = copyBounded(call.payload, "payload", limits.payloadBytesMax);
    const units = lastCopiedUnits();
    if (options !== undefined) checkOptions(options);
    const ownMs = options?.deadlineMs ?? DEADLINE_MS_DEFAULT;
    const deadlineAt = Math.min(time.now() + ownMs, origin?.deadlineAt ?? Infinity);
    const details = this.#detailsOf(call, payload);
    const isAsync = options?.async === true;
    const answersTo = isAsync ? this.#unheard(call) : caller;
    const invocation = new Invocation({ action, payload, units, deadlineAt, details }, answersTo);
    const activation = type.activation(name, invocation);
    activation.submit(invocation);
    if (options?.signal !== undefined) giveUpOnAbort(options.signal, invocation, activation);
    if (isAsync) caller.resolve(undefined);
  }

  /** @throws {SpawnError} `INVALID_ARGUMENT` before the start, `SHUTTING_DOWN` after the end */
  checkAccepting({ origin, options }: Pick<ActorCall, "origin" | "options"> = {}): void {
    if (this.#phase === "running" || (this.#phase === "stopping" && origin !== undefined)) return;
    if (this.#phase === "new") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the system ${this.system} is not started; await start() first`,
      );
    }
    throw new SpawnError("SHUTTING_DOWN", `the system ${this.system} is ${this.#phase}`, {
      applied: appliedBefore(options),
    });
  }

  #detailsOf(
    { type, action, options, origin }: ActorCall,
    payload: unknown,
  ): InvocationDetails | undefined {
    const { idempotencyKey, metadata } = options ?? NO_OPTIONS;
    if (idempotencyKey === undefined && metadata === undefined && origin === undefined)
      return undefined;
    const { limits } = this.#parts;
    if (idempotencyKey !== undefined) {
      checkKey(idempotencyKey, limits.idempotencyKeyBytesMax, type.definition);
    }
    return {
      idempotencyKey,
      fingerprint:
        idempotencyKey === undefined
          ? ""
          : fingerprint(`${action.name} ${JSON.stringify(payload)}`),
      metadata: metadata === undefined ? {} : copyMetadata(metadata, limits.metadataBytesMax),
      caller: origin?.caller,
      chain: origin?.chain ?? NO_CHAIN,
    };
  }

  /** Receives the outcome of an invocation that nobody waits for. */
  #unheard({ type, name, action }: ActorCall): Caller {
    return {
      resolve: () => undefined,
      reject: (error) => {
        const actor = { system: this.system, definition: type.definition.name, name };
        this.#parts.emit({ type: "async-failed", actor, action: action.name, error });
      },
    };
  }

  /** A call that an action makes: it leaves after the commit of everything that the action could have seen. */
  async #callFrom({ id, pipeline, run, name, request }: CallFromRun): Promise<unknown> {
    const { invocation } = run;
    checkRequest(request);
    // Nobody waits for an asynchronous call, so a chain of actors that wait ends here.
    const chain =
      request.async === true
        ? NO_CHAIN
        : [...(invocation.details?.chain ?? NO_CHAIN), chainKey(id)];
    this.#checkChain(chain, name, request);
    await pipeline.whenCommitted();
    if (run.isRevoked) throw new SpawnError("CANCELLED", "the action that makes this call is over");
    return await this.#invokeFrom(name, request, {
      caller: id,
      chain,
      deadlineAt: invocation.deadlineAt,
    });
  }

  #checkChain(chain: readonly string[], name: string, request: InvokeRequest): void {
    const target = {
      system: request.system ?? this.system,
      definition: request.definition ?? name,
      name,
    };
    if (chain.includes(chainKey(target))) {
      throw new SpawnError(
        "CYCLE",
        `${formatActorId(target)} waits for this call, so it cannot answer it`,
      );
    }
    const { chainLengthMax } = this.#parts.limits;
    if (chain.length > chainLengthMax) {
      throw new SpawnError(
        "CYCLE",
        `more than ${chainLengthMax} actors wait for one another in a chain of calls`,
      );
    }
  }

  /** What the statestore keeps of an actor. */
  stored(type: ActorType, name: string): StoredActorOperations {
    return new StoredActorOperations({ engine: this, store: this.#store, type, name });
  }

  // The end.

  /**
   * Takes no more calls from outside, lets what is queued run for `drainTimeoutMs`, commits, and
   * closes the statestore. What has not run by then is refused with `SHUTTING_DOWN`.
   */
  async stop(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    const { drainTimeoutMs = DRAIN_TIMEOUT_MS_DEFAULT } = options;
    checkWholeNumber("drainTimeoutMs", drainTimeoutMs, { min: 0, max: TIMEOUT_MS_MAX });
    if (this.#phase !== "running") return;
    this.#phase = "stopping";
    const { clock, watch } = this.#parts;
    await new Promise<void>((resolve) => clock.yield(resolve));
    await this.#drain(drainTimeoutMs);
    const late = new SpawnError(
      "SHUTTING_DOWN",
      `the system ${this.system} stopped before the action ran`,
    );
    for (const activation of this.#types.live) activation.evict(late);
    await this.#drain(this.#parts.limits.storeRetryMs);
    for (const activation of this.#types.live) {
      activation.forsake(`the system ${this.system} stopped`);
    }
    this.#end();
    watch.clear();
    await this.#store.close();
  }

  /** Ends as a process does that is killed: nothing is written, the statestore is not closed. For tests. */
  crash(): void {
    this.#parts.writer.abandon();
    this.#parts.loader.abandon();
    for (const activation of this.#types.live) activation.crash();
    this.#end();
    this.#parts.watch.clear();
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { clock, watch } = this.#parts;
    const endsAt = clock.monotonic() + timeoutMs;
    while (watch.all.length > 0 && clock.monotonic() < endsAt) {
      for (const activation of this.#types.live) activation.flush();
      await Promise.race([watch.whenEmpty(), sleep(clock, DRAIN_STEP_MS)]);
    }
  }

  #end(): void {
    this.#phase = "stopped";
    this.#pruneTimer?.cancel();
    this.#parts.admission.stop();
    for (const type of this.#types.all) type.stop();
    for (const activation of this.#types.live) activation.leave();
  }

  #schedulePrune(delayMs = PRUNE_PERIOD_MS): void {
    this.#pruneTimer = this.#parts.clock.timer(delayMs, () => void this.#prune());
  }

  async #prune(): Promise<void> {
    const { clock, emit } = this.#parts;
    let isMoreLeft = false;
    try {
      isMoreLeft = (await this.#store.prune(clock.wall(), PRUNE_ROWS_MAX)) >= PRUNE_ROWS_MAX;
    } catch (cause) {
      emit({ type: "store-failed", operation: "prune", cause });
    }
    if (this.#phase !== "running") return;
    this.#schedulePrune(isMoreLeft ? PRUNE_AGAIN_MS : PRUNE_PERIOD_MS);
  }
}

function chainKey({ system, definition, name }: ActorId): string {
  return `${system}\0${definition}\0${name}`;
}

function giveUpOnAbort(signal: AbortSignal, invocation: Invocation, activation: Activation): void {
  if (invocation.isAnswered) return;
  const onAbort = (): void => {
    invocation.giveUp("CANCELLED", "the caller gave up");
    activation.callerGaveUp(invocation);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  invocation.onAnswered(() => signal.removeEventListener("abort", onAbort));
}

/** A listener whose errors reach nobody: telling must not break what it tells about. */
function safely(listener: EventListener | undefined): EventListener {
  if (listener === undefined) return () => undefined;
  return (event) => {
    try {
      listener(event);
    } catch {
      // The listener's own problem.
    }
  };
}

function toHex(id: string): string {
  let hex = "";
  for (let index = 0; index < id.length; index++)
    hex += id.charCodeAt(index).toString(16).padStart(2, "0");
  return hex;
}

/**
 * The engine: takes invocations for actors, runs them, and keeps what they change.
 *
 * It imports nothing but itself. Time, randomness, the statestore and user code arrive through
 * ports, so that a simulation runs these very lines.
 */
import { Admission } from "./calls/admission.ts";
import { invocationOf } from "./calls/actor-call.ts";
import type { ActorCall, Origin } from "./calls/actor-call.ts";
import { ActorCare } from "./care/actor-care.ts";
import type { ActorType, CallFromRun, EngineParts } from "./activations/actor-type.ts";
import { ActorTypes } from "./activations/actor-types.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import { formatActorId, type ActorId } from "./actor-id.ts";
import { sleep } from "./clock.ts";
import {
  appliedBefore,
  besideKey,
  checkOptions,
  checkRequest,
  isScheduled,
  scheduledMessage,
} from "./calls/call-options.ts";
import { nextCallOf } from "./calls/child-calls.ts";
import { NO_CHAIN, checkChain, lengthenChain } from "./calls/call-chain.ts";
import type { ChannelListener } from "./messages/broadcasts.ts";
import { CommitWriter } from "./commits/commit-writer.ts";
import { SpawnError, errorAt, errorCodes, isSpawnError } from "./errors.ts";
import { loadOf, type EngineLoad } from "./engine-load.ts";
import { resolveOptions } from "./engine-options.ts";
import type { EngineOptions } from "./engine-options.ts";
import { giveUpOnAbort } from "./calls/invocation.ts";
import type { Caller } from "./calls/invocation.ts";
import { TIMEOUT_MS_MAX, checkWholeNumber } from "./limits.ts";
import { Loader } from "./activations/loader.ts";
import type { MessageOperations } from "./messages/message-operations.ts";
import { Messaging } from "./messages/messaging.ts";
import type { MigrationCheck, MigrationCheckOptions } from "./care/migration-check.ts";
import { Pruner } from "./care/pruner.ts";
import { checkOptionNames } from "./option-names.ts";
import type { InvokeRequest } from "./activations/action-context.ts";
import { RunQueue } from "./activations/run-queue.ts";
import type { SendRequest } from "./messages/send-options.ts";
import { newMessageId } from "./messages/sending.ts";
import type { Statestore } from "./statestore.ts";
import { StoredActorOperations } from "./care/stored-actor.ts";
import { StoredSystem } from "./care/stored-system.ts";
import { Time } from "./time/time.ts";
import { WAKE_UP, wakeUp } from "./activations/wake-up.ts";
import { Watch } from "./time/watch.ts";

/** Time for what is queued when a system stops, in milliseconds. */
export const DRAIN_TIMEOUT_MS_DEFAULT = 10_000;

const DRAIN_STEP_MS = 10;

type Phase = "new" | "running" | "stopping" | "stopped";

/** An actor system without the SDK: for those who host actors elsewhere, as the sidecar does. */
export class Engine {
  readonly system: string;
  readonly #store: Statestore;
  readonly #stored: StoredSystem;
  readonly #parts: EngineParts;
  readonly #types: ActorTypes;
  readonly #findSystem: (name: string) => Engine | undefined;
  readonly #messaging: Messaging;
  readonly #pruner: Pruner;
  /** Types whose actors are being brought to life for their timers. */
  readonly #waking = new Set<ActorType>();
  /** Looks after the stored actors. */
  readonly care: ActorCare;
  #phase: Phase = "new";

  /** @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED` */
  constructor(options: EngineOptions) {
    const resolved = resolveOptions(options);
    const { system, store, clock, random, limits, emit, cronTimes } = resolved;
    this.system = system;
    this.#store = store;
    this.#findSystem = resolved.findSystem;
    const owner = newMessageId({ clock, random });
    this.#stored = new StoredSystem({ system, store, owner, cluster: resolved.cluster, emit });
    const storeParts = { store, clock, random, limits, emit };
    const time = new Time(clock);
    const loader = new Loader(storeParts);
    const watch = new Watch(clock);
    const types = (): ActorTypes => this.#types;
    this.#messaging = new Messaging({
      ...storeParts,
      system,
      loader,
      watch,
      time,
      cronTimes,
      externals: resolved.externals,
      host: resolved.host,
      types,
      awaitsDefinitions: resolved.awaitsDefinitions,
      messagingOf: (other) => {
        const engine = this.#findSystem(other);
        return engine && engine.#messaging;
      },
    });
    const { outbox, stateless } = this.#messaging;
    this.#pruner = new Pruner(store, clock, emit);
    this.care = new ActorCare({ ...storeParts, engine: this, types });
    this.#parts = {
      system,
      clock,
      time,
      random,
      limits,
      emit,
      host: resolved.host,
      admission: new Admission(clock, limits, resolved.heapPercent),
      runQueue: new RunQueue(clock, time),
      watch,
      loader,
      writer: new CommitWriter({ ...storeParts, owner, outbox }),
      outbox,
      stateless,
      cronTimes,
      callFrom: (call) => this.#callFrom(call),
    };
    this.#types = new ActorTypes(resolved.definitions, this.#parts);
  }

  /**
   * Opens the statestore and begins to take calls.
   *
   * @param prepare runs before any message is delivered that was stored earlier: what it defines is there
   * for them
   */
  async start(prepare?: () => Promise<void>): Promise<void> {
    if (this.#phase !== "new")
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the system ${this.system} was started before; make another one to start again`,
      );
    await this.#stored.open();
    this.#phase = "running";
    await prepare?.();
    this.#messaging.start();
    this.#pruner.start();
    this.care.start();
    for (const type of this.#types.all) this.#startTimers(type);
  }

  /** Named actors with timers come to life by themselves; others with their first call. */
  #startTimers(type: ActorType): void {
    const { name, kind, timers } = type.definition;
    if (kind === "unnamed" || timers.length === 0 || this.#waking.has(type)) return;
    this.#waking.add(type);
    const call = { type, name, action: WAKE_UP, payload: undefined };
    const awake = wakeUp(() => this.call(call), {
      clock: this.#parts.clock,
      isRunning: () => this.isRunning && !type.isRetired,
      failed: (error) => this.#unheard(call).reject(error),
    });
    void awake.then(() => this.#waking.delete(type));
  }

  /**
   * Takes a definition, also while it runs: a new one, or one in the place of another of that name. What
   * runs goes on with the one before; what comes next runs with the new one.
   *
   * @throws {SpawnError} `ALREADY_REGISTERED` while actors are at work that cannot go on with it: it has
   * a state and they have none, or the other way round, one is pooled, or their version or durability is
   * another; `INVALID_ARGUMENT`
   */
  define(definition: ActorDefinition): ActorType {
    const type = this.#types.define(definition);
    if (this.isRunning) this.care.start();
    if (this.isRunning && definition.timers.length > 0) {
      // An actor that is alive would not look for timers that it does not have.
      type.vacate();
      this.#startTimers(type);
    }
    return type;
  }

  /**
   * Forgets a definition, also while it runs: calls find nobody, and messages wait as for one that has not
   * come. What is stored of its actors stays. Answers whether there was one.
   *
   * @throws {SpawnError} `OVERLOADED` while actors of it are at work
   */
  undefine(definition: string): boolean {
    return this.#types.undefine(definition);
  }

  /** Whether it takes calls from outside. */
  get isRunning(): boolean {
    return this.#phase === "running";
  }

  /** How much there is to do, now. */
  get load(): EngineLoad {
    return loadOf(this.#types, this.#parts);
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
        reject(this.#refusalOf(call, error));
      }
    });
  }

  /** Whoever gave a wrong value or option has to find the call among many. */
  #refusalOf({ type, name, action }: ActorCall, error: unknown): SpawnError {
    if (!isSpawnError(error))
      return new SpawnError("INTERNAL", "a call could not be accepted", { cause: error });
    if (errorCodes[error.code].blame !== "caller") return error;
    const id = { system: this.system, definition: type.definition.name, name };
    return errorAt(`${formatActorId(id)} ${action.name}`, error);
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
    const engine = besideKey(options, () => this.#engineOf(system));
    const called = besideKey(options, () => engine.#types.called(name, definition, actionName));
    return await engine.call({ ...called, name, payload, options, origin });
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
    const { type, name, options } = call;
    this.checkAccepting(call);
    if (options !== undefined) {
      checkOptions(options);
      if (isScheduled(options)) return this.#schedule(call, caller);
    }
    const isAsync = options?.async === true;
    const answersTo = isAsync ? this.#unheard(call) : caller;
    const invocation = invocationOf(call, answersTo, this.#parts);
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

  /** A call from outside for later: it is a message, and resolves when that is stored. */
  #schedule({ type, name, action, payload, options }: ActorCall, caller: Caller): void {
    const definition = type.definition.name;
    const request = scheduledMessage({ ...options, action: action.name, payload, definition });
    this.send(name, request).then(
      () => caller.resolve(undefined),
      (error: SpawnError) => caller.reject(error),
    );
  }

  /**
   * Stores a message to the actor `name`, and answers its id.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE`, `STATESTORE_UNAVAILABLE`
   */
  async send(name: string, request: SendRequest): Promise<string> {
    this.checkAccepting();
    return await this.#messaging.send(name, request);
  }

  /** Sends a payload to all subscribers of a channel; answers the id of the broadcast when it is stored. */
  async publish(channel: string, payload: unknown): Promise<string> {
    this.checkAccepting();
    return await this.#messaging.publish(channel, payload);
  }

  /** Listens to a channel until the function that it returns is called. */
  subscribe(channel: string, listener: ChannelListener): () => void {
    return this.#messaging.subscribe(channel, listener);
  }

  /** What waits to be delivered, and what was given up. */
  get messages(): MessageOperations {
    return this.#messaging.operations;
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
    const parent = nextCallOf(run);
    // Nobody waits for an asynchronous call, so a chain of actors that wait ends here.
    const chain =
      request.async === true ? NO_CHAIN : lengthenChain(invocation.details?.chain ?? NO_CHAIN, id);
    const { system = this.system, definition = name } = request;
    const { chainLengthMax } = this.#parts.limits;
    besideKey(request, () => checkChain(chain, { system, definition, name }, chainLengthMax));
    await pipeline.whenCommitted();
    if (run.isRevoked) throw new SpawnError("CANCELLED", "the action that makes this call is over");
    return await this.#invokeFrom(name, request, {
      caller: id,
      chain,
      deadlineAt: invocation.deadlineAt,
      parent,
    });
  }

  /**
   * What the statestore keeps of an actor.
   *
   * @param caller the actor whose action asks, if one does: it cannot wait for itself
   */
  stored(type: ActorType, name: string, caller?: ActorId): StoredActorOperations {
    return new StoredActorOperations({ engine: this, store: this.#store, type, name, caller });
  }

  /**
   * Reads all present states as activations would, and writes none. Before the start the statestore is
   * opened for that alone, so that nothing of the system works yet.
   *
   * @throws {SpawnError} `ACTOR_NOT_FOUND`, `INVALID_ARGUMENT` for a definition without a state,
   * `STATESTORE_UNAVAILABLE`
   */
  async checkMigrations(options: MigrationCheckOptions = {}): Promise<MigrationCheck> {
    const isOpen = this.#phase !== "new";
    if (isOpen) this.checkAccepting();
    return await this.#stored.checkMigrations(this.#types, options, isOpen);
  }

  // The end.

  /**
   * Takes no more calls from outside, lets what is queued run for `drainTimeoutMs`, commits, and
   * closes the statestore. What has not run by then is refused with `SHUTTING_DOWN`.
   */
  async stop(options: { readonly drainTimeoutMs?: number | undefined } = {}): Promise<void> {
    checkOptionNames("stop", options, ["drainTimeoutMs"]);
    const { drainTimeoutMs = DRAIN_TIMEOUT_MS_DEFAULT } = options;
    checkWholeNumber("drainTimeoutMs", drainTimeoutMs, { min: 0, max: TIMEOUT_MS_MAX });
    if (this.#phase !== "running") return;
    this.#phase = "stopping";
    this.care.stop();
    this.#messaging.drain();
    const { clock, watch } = this.#parts;
    await new Promise<void>((resolve) => clock.yield(resolve));
    await this.#drain(drainTimeoutMs);
    const stopped = `the system ${this.system} stopped`;
    const late = new SpawnError("SHUTTING_DOWN", `${stopped} before the action ran`);
    for (const activation of this.#types.live) activation.evict(late);
    await this.#drain(this.#parts.limits.storeRetryMs);
    for (const activation of this.#types.live) activation.forsake(stopped);
    await this.#messaging.outbox.handBack();
    this.#end();
    watch.clear();
    await this.#store.close();
  }

  /** Ends as a process does that is killed: nothing is written, the statestore is not closed. For tests. */
  crash(): void {
    this.#parts.writer.abandon();
    this.#parts.loader.abandon();
    // What its activations say last must not be taken for the outcome of a message.
    this.#messaging.stop();
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
    this.#pruner.stop();
    this.care.stop();
    this.#messaging.stop();
    this.#parts.admission.stop();
    for (const type of this.#types.all) type.stop();
    for (const activation of this.#types.live) activation.leave();
  }
}

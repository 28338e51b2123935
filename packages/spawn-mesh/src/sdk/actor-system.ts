/** `actorSystem(name, options)`: starts actors and reaches them. The one place that puts the parts together. */
import { getHeapStatistics } from "node:v8";
import { Engine, SpawnError, checkName } from "../engine/index.ts";
import type {
  ActorCall,
  ActorKind,
  ActorType,
  ChannelListener,
  Clock,
  EventListener,
  InvokeRequest,
  Limits,
  MessageOperations,
  Random,
  ReferenceCall,
  SendRequest,
  Statestore,
} from "../engine/index.ts";
import type { SidecarOptions } from "../sidecar/sidecar-address.ts";
import { SidecarActorSystem } from "../sidecar/sidecar-system.ts";
import { encryptedStatestore } from "../statestores/encrypted/index.ts";
import type {
  Encryption,
  EncryptedStatestore,
  Reencryption,
  ReencryptionOptions,
} from "../statestores/encrypted/index.ts";
import { sqliteStatestore } from "../statestores/sqlite/index.ts";
import { definitionOfActor } from "./actor.ts";
import type { ActorOf, AnyActor, NameOf } from "./actor.ts";
import { nameOf } from "./actor-name.ts";
import { referenceType } from "./actor-ref.ts";
import type { ActorRef, CallTarget, EffectRef, ReferenceType } from "./actor-ref.ts";
import { currentRun, inProcessHost } from "./in-process-host.ts";
import { functionsOf } from "./external.ts";
import type { AnyExternal } from "./external.ts";
import { cronTimes } from "./cron-times.ts";
import { addRunningSystem, findEngine, removeRunningSystem } from "./running-systems.ts";
import type { RunningSystem } from "./running-systems.ts";
import type { StoredActorRef } from "./stored-actor.ts";

export type {
  Encryption,
  EncryptionOptions,
  KeyMaterial,
  Reencryption,
  ReencryptionOptions,
  ReencryptionProgress,
} from "../statestores/encrypted/index.ts";

/** Where an embedded system keeps its actors unless told otherwise. */
export const DEFAULT_STATE_FILE = ".spawn/state.db";

export interface ActorSystemOptions {
  /** The actors of this system. */
  readonly actors: readonly AnyActor[];
  /** What actors can have done outside: see `external(…)`. */
  readonly externals?: readonly AnyExternal[];
  /** Where they are kept. Default: a SQLite file, `.spawn/state.db` below the working directory. */
  readonly statestore?: Statestore;
  /**
   * Keys that encrypt states, history, stored replies and messages before the statestore sees them;
   * docs/guides/encryption.md says what stays in clear. Default: nothing is encrypted, which only a
   * statestore on this machine accepts.
   */
  readonly encryption?: Encryption;
  /**
   * The sidecar that keeps these actors, by its address (`http://127.0.0.1:9001`, or a Unix socket as
   * `unix:/var/run/spawn.sock`) or with more options. This program then runs the actions and nothing
   * else; docs/guides/sidecar.md says what cannot be had that way. Default: they are kept here.
   */
  readonly sidecar?: string | SidecarOptions;
  /** Stop on SIGTERM and SIGINT: drain, commit, then what the signal does by default. Default `true`. */
  readonly handleSignals?: boolean;
  /** Bounds of queues, sizes and times. Each has a default. */
  readonly limits?: Partial<Limits>;
  /** Runs each action on a fresh decode of the state and fails calls after a state was changed behind our back. Default `false`. */
  readonly strict?: boolean;
  /** Receives what the system tells about itself: fences, lost answers, abandoned runs. */
  readonly onEvent?: EventListener;
  /** Time, for tests. Default: the real clock. */
  readonly clock?: Clock;
  /** Randomness, for tests. Default: real randomness. */
  readonly random?: Random;
}

/** Messages that wait to be delivered, and those that were given up. */
export type Messages = Pick<
  MessageOperations,
  "list" | "cancel" | "listParked" | "retry" | "discard"
>;

/** A running set of actors. */
export interface ActorSystem extends AsyncDisposable {
  readonly name: string;
  /** Opens the statestore and begins to take calls. @throws {SpawnError} `STATESTORE_UNAVAILABLE`, `ALREADY_REGISTERED` */
  start(): Promise<void>;
  /** A typed reference to an actor. It can be made at any time and costs nothing. */
  actor<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): ActorRef<State, ActionsOf>;
  /** Calls an action by names. */
  invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply>;
  /**
   * A typed reference that sends messages: each is stored, is delivered once or at the times of its
   * options, survives restarts, and has an id to cancel it by.
   */
  effect<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): EffectRef<ActionsOf, Promise<string>>;
  /** Sends a message by names; answers its id when it is stored. Inside an action it is the action's message. */
  send(name: string, request: SendRequest): Promise<string>;
  /**
   * Sends a payload to all subscribers of a channel; answers the id of the broadcast when it is stored.
   * Inside an action of this system it is the action's broadcast, stored with what that changes.
   */
  publish(channel: string, payload?: unknown): Promise<string>;
  /**
   * Lets code that is no actor listen to a channel, from now on and without any promise: what is
   * broadcast while it does not run is not told again. Returns a function that ends it.
   */
  subscribe(channel: string, listener: ChannelListener): () => void;
  /** What waits to be delivered, and what was given up: list, cancel, retry, discard. */
  readonly messages: Messages;
  /** What the statestore keeps of an actor: read and restore revisions, delete. */
  stored<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): StoredActorRef<State>;
  /**
   * Encrypts everything with the active key that is not yet, while the system works; then the other
   * keys may go. Resolves when it is done.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` without encryption, `STATESTORE_UNAVAILABLE`,
   * `SHUTTING_DOWN`; what was done stays, and it can be called again
   */
  reencrypt(options?: ReencryptionOptions): Promise<Reencryption>;
  /** Takes no more calls, lets what is queued run for `drainTimeoutMs` (default 10 000), commits, and closes the statestore. */
  stop(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
  /** Ends as `kill -9` does: nothing more is written. For tests: a new system on the same memory statestore goes on from there. A SQLite file stays taken until the process ends. */
  crash(): void;
}

/**
 * Makes an actor system, embedded in this process or beside a sidecar.
 *
 * @param name the namespace of its actors: the same name on the same statestore finds them again
 * @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED`
 */
export function actorSystem(name: string, options: ActorSystemOptions): ActorSystem {
  return options?.sidecar === undefined
    ? new EmbeddedActorSystem(name, options)
    : new SidecarActorSystem(name, { ...options, sidecar: options.sidecar });
}

class EmbeddedActorSystem implements ActorSystem, RunningSystem {
  readonly name: string;
  readonly engine: Engine;
  readonly handlesSignals: boolean;
  readonly #store: Statestore;
  readonly #clock: Clock | undefined;
  /** Aborted when nothing new is begun any more. */
  readonly #ending = new AbortController();
  readonly #reached = new Map<AnyActor, ReachedActor>();
  /** There while the system starts: settles when that has ended, well or badly. */
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(name: string, options: ActorSystemOptions) {
    checkName("system", name);
    if (!Array.isArray(options?.actors)) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `actors of ${name}: expected an array of actors, got ${typeof options?.actors}`,
      );
    }
    this.name = name;
    this.handlesSignals = options.handleSignals ?? true;
    const { strict = false, limits, clock, random, onEvent } = options;
    this.#store = storeOf(options);
    this.#clock = clock;
    this.engine = new Engine({
      system: name,
      definitions: options.actors.map((defined) => ({
        ...definitionOfActor(defined),
        isStrict: strict,
      })),
      store: this.#store,
      host: inProcessHost((target, instance, call) =>
        this.#referenceThrough(call, target as AnyActor, instance),
      ),
      cronTimes,
      externals: functionsOf(options.externals ?? []),
      findSystem: findEngine,
      heapPercent,
      ...(limits && { limits }),
      ...(clock && { clock }),
      ...(random && { random }),
      ...(onEvent && { onEvent }),
    });
  }

  start(): Promise<void> {
    const starting = this.#start();
    const settled = starting
      .catch(() => undefined)
      .finally(() => {
        if (this.#starting === settled) this.#starting = undefined;
      });
    this.#starting = settled;
    return starting;
  }

  async #start(): Promise<void> {
    addRunningSystem(this);
    try {
      await this.engine.start();
    } catch (error) {
      removeRunningSystem(this);
      throw error;
    }
  }

  actor<State, ActionsOf, Kind extends ActorKind>(
    defined: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): ActorRef<State, ActionsOf> {
    const reached = this.#reach(defined);
    return new reached.Reference(reached, nameOf(defined, name[0])) as ActorRef<State, ActionsOf>;
  }

  async invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply> {
    const run = currentRun();
    const reply =
      run === undefined
        ? this.engine.invoke(name, request)
        : run.invoke(name, { system: this.name, ...request });
    return (await reply) as Reply;
  }

  effect<State, ActionsOf, Kind extends ActorKind>(
    defined: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): EffectRef<ActionsOf, Promise<string>> {
    const send: ReferenceCall = (called, request) => this.send(called, request);
    return this.#referenceThrough(send, defined, name[0]) as EffectRef<ActionsOf, Promise<string>>;
  }

  async send(name: string, request: SendRequest): Promise<string> {
    const run = currentRun();
    return run === undefined
      ? await this.engine.send(name, request)
      : run.send(name, { system: this.name, ...request });
  }

  async publish(channel: string, payload?: unknown): Promise<string> {
    const run = currentRun();
    return run?.self.system === this.name
      ? run.broadcast(channel, payload)
      : await this.engine.publish(channel, payload);
  }

  subscribe(channel: string, listener: ChannelListener): () => void {
    return this.engine.subscribe(channel, listener);
  }

  get messages(): Messages {
    return this.engine.messages;
  }

  stored<State, ActionsOf, Kind extends ActorKind>(
    defined: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): StoredActorRef<State> {
    return this.engine.stored(
      this.#reach(defined).type,
      nameOf(defined, name[0]),
      currentRun()?.self,
    ) as StoredActorRef<State>;
  }

  async reencrypt(options: ReencryptionOptions = {}): Promise<Reencryption> {
    this.engine.checkAccepting();
    if (!isEncrypted(this.#store)) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the system ${this.name} has no keys to encrypt with: expected the option encryption`,
      );
    }
    const { signal } = this.#ending;
    return await this.#store.reencrypt({
      ...(this.#clock && { clock: this.#clock }),
      ...options,
      signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
    });
  }

  stop(options?: { readonly drainTimeoutMs?: number }): Promise<void> {
    if (this.#starting !== undefined) return this.#starting.then(() => this.stop(options));
    if (this.engine.isRunning) {
      this.#end("stopping");
      this.#stopping = this.engine.stop(options).finally(() => {
        if (!this.engine.isRunning) removeRunningSystem(this);
      });
    }
    return this.#stopping ?? Promise.resolve();
  }

  crash(): void {
    removeRunningSystem(this);
    this.#end("stopped");
    this.engine.crash();
  }

  #end(phase: string): void {
    this.#ending.abort(new SpawnError("SHUTTING_DOWN", `the system ${this.name} is ${phase}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #referenceThrough(call: ReferenceCall, target: AnyActor, name: string | undefined): object {
    const { type, Reference } = this.#reach(target);
    const definition = type.definition.name;
    const through: CallTarget = {
      call: ({ name: instance, action, payload, options }) =>
        call(instance, { ...options, definition, action: action.name, payload }),
    };
    return new Reference(through, nameOf(target, name));
  }

  #reach(defined: AnyActor): ReachedActor {
    const known = this.#reached.get(defined);
    if (known !== undefined) return known;
    definitionOfActor(defined);
    const reached = new ReachedActor(this.engine, this.engine.type(defined.name));
    this.#reached.set(defined, reached);
    return reached;
  }
}

/** A definition of this system, as its references see it. */
class ReachedActor implements CallTarget {
  readonly type: ActorType;
  readonly Reference: ReferenceType;
  readonly #engine: Engine;

  constructor(engine: Engine, type: ActorType) {
    this.#engine = engine;
    this.type = type;
    this.Reference = referenceType(type);
  }

  call(call: ActorCall): Promise<unknown> {
    const run = currentRun();
    if (run === undefined) return this.#engine.call(call);
    const { system } = this.#engine;
    const { name, action, payload, options } = call;
    return run.invoke(name, {
      ...options,
      system,
      definition: this.type.definition.name,
      action: action.name,
      payload,
    });
  }
}

function storeOf({ statestore, encryption }: ActorSystemOptions): Statestore {
  const store = statestore ?? sqliteStatestore({ file: DEFAULT_STATE_FILE });
  if (encryption === undefined) return store;
  if (isEncrypted(store)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "encryption: the statestore encrypts already; expected its keys in one of the two",
    );
  }
  return encryptedStatestore(store, encryption);
}

function isEncrypted(store: Statestore): store is EncryptedStatestore {
  return "reencrypt" in store;
}

function heapPercent(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return (used / limit) * 100;
}

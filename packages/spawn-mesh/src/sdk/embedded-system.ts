/** An actor system in this process. The one place that puts the parts together. */
import { getHeapStatistics } from "node:v8";
import { Engine, SpawnError, checkName } from "../engine/index.ts";
import type {
  ActorKind,
  ActorList,
  ActorType,
  ChannelListener,
  Clock,
  InvokeRequest,
  MigrationCheck,
  MigrationCheckOptions,
  ReferenceCall,
  Reindexing,
  ReindexOptions,
  SendRequest,
  Statestore,
} from "../engine/index.ts";
import { checkStatestore } from "../engine/given-statestore.ts";
import { isEncrypted } from "../statestores/encrypted/encrypted-statestore.ts";
import { encryptedStatestore } from "../statestores/encrypted/index.ts";
import type { Reencryption, ReencryptionOptions } from "../statestores/encrypted/index.ts";
import { sqliteStatestore } from "../statestores/sqlite/index.ts";
import { checkExportOptions, exportFrom } from "../statestores/transfer/export-system.ts";
import type { ExportOptions } from "../statestores/transfer/index.ts";
import { definitionOfActor } from "./actor.ts";
import type { ActorOf, AnyActor, NameOf } from "./actor.ts";
import { nameOf } from "./actor-name.ts";
import { referenceType } from "./actor-ref.ts";
import type {
  ActorRef,
  CallTarget,
  EffectRef,
  ReferenceCallOf,
  ReferenceType,
} from "./actor-ref.ts";
import { currentRun, inProcessHost } from "./in-process-host.ts";
import { functionsOf } from "./external.ts";
import { SystemActors } from "./finding.ts";
import type { FindOptions } from "./finding.ts";
import { withCallSite } from "./call-site.ts";
import { cronTimes } from "./cron-times.ts";
import { addRunningSystem, findEngine, removeRunningSystem } from "./running-systems.ts";
import type { RunningSystem } from "./running-systems.ts";
import type { StoredActorRef } from "./stored-actor.ts";
import { warnings } from "./warnings.ts";

import type { ActorSystem, ActorSystemOptions, Messages } from "./actor-system.ts";

/** Where an embedded system keeps its actors unless told otherwise. */
export const DEFAULT_STATE_FILE = ".spawn/state.db";

export class EmbeddedActorSystem implements ActorSystem, RunningSystem {
  readonly name: string;
  readonly engine: Engine;
  readonly handlesSignals: boolean;
  readonly #store: Statestore;
  readonly #isStrict: boolean;
  readonly #clock: Clock | undefined;
  /** Aborted when nothing new is begun any more. */
  readonly #ending = new AbortController();
  #isExporting = false;
  readonly #reached = new Map<AnyActor, ReachedActor>();
  readonly actors: SystemActors;
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
    const { cluster, strict = false, limits, clock, random, onEvent = warnings(name) } = options;
    this.#store = storeOf(options);
    this.#clock = clock;
    this.#isStrict = strict;
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
      ...(cluster !== undefined && { cluster }),
      ...(limits && { limits }),
      ...(clock && { clock }),
      ...(random && { random }),
      onEvent,
    });
    this.actors = new SystemActors({
      engine: this.engine,
      typeOf: (defined) => this.#reach(defined).type,
      refer: (defined, instance) => this.actor(defined, ...([instance] as NameOf<"unnamed">)),
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
    if (run !== undefined) {
      const own = { ...request, system: request.system ?? this.name };
      return (await run.invoke(name, own)) as Reply;
    }
    const reply = this.engine.invoke(name, request);
    return (await (this.#isStrict ? withCallSite(reply) : reply)) as Reply;
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
      : run.send(name, { ...request, system: request.system ?? this.name });
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

  find(defined: AnyActor, where: object, options?: FindOptions): Promise<ActorList> {
    return this.actors.find(defined, where, options);
  }

  async reindex(defined: AnyActor, options: ReindexOptions = {}): Promise<Reindexing> {
    return await this.actors.reindex(defined, this.#background(options));
  }

  async reencrypt(options: ReencryptionOptions = {}): Promise<Reencryption> {
    this.engine.checkAccepting();
    if (!isEncrypted(this.#store)) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the system ${this.name} has no keys to encrypt with: expected the option encryption`,
      );
    }
    return await this.#store.reencrypt(this.#background(options));
  }

  /** Work beside the system has its time, and ends with it. */
  #background<Options extends ReencryptionOptions | ReindexOptions>(options: Options): Options {
    return {
      ...options,
      clock: options.clock ?? this.#clock,
      signal: this.#untilTheEnd(options),
    };
  }

  async checkMigrations(options: MigrationCheckOptions = {}): Promise<MigrationCheck> {
    const signal = this.#untilTheEnd(options);
    return await this.engine.checkMigrations({ ...options, signal });
  }

  export(options: ExportOptions = {}): AsyncIterable<Uint8Array> {
    this.engine.checkAccepting();
    checkExportOptions("export", options);
    return this.#exported({ ...options, signal: this.#untilTheEnd(options) });
  }

  /** Each keeps a connection of the statestore, however slowly it is read; all that goes on needs the others. */
  async *#exported(options: ExportOptions): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#isExporting) {
      throw new SpawnError(
        "OVERLOADED",
        `the system ${this.name} is being exported: read that export to its end, or abort it, before the next one`,
      );
    }
    this.#isExporting = true;
    try {
      yield* exportFrom(this.#store, this.name, options);
    } finally {
      this.#isExporting = false;
    }
  }

  #untilTheEnd({ signal }: { readonly signal?: AbortSignal | undefined }): AbortSignal {
    const ending = this.#ending.signal;
    if (signal instanceof AbortSignal) return AbortSignal.any([ending, signal]);
    // What is none is refused by those whose option it is.
    return signal ?? ending;
  }

  stop(options?: { readonly drainTimeoutMs?: number | undefined }): Promise<void> {
    if (this.#starting !== undefined) return this.#starting.then(() => this.stop(options));
    if (this.engine.isRunning) {
      const stopping = this.engine.stop(options);
      // It was refused, and everything goes on.
      if (this.engine.isRunning) return stopping;
      this.#end("stopping");
      this.#stopping = stopping.finally(() => removeRunningSystem(this));
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
  readonly #isStrict: boolean;

  constructor(engine: Engine, type: ActorType) {
    this.#engine = engine;
    this.#isStrict = type.definition.isStrict;
    this.type = type;
    this.Reference = referenceType(type);
  }

  call(call: ReferenceCallOf): Promise<unknown> {
    const run = currentRun();
    if (run !== undefined) return run.invoke(call.name, this.#requestOf(call));
    const called = namesSystem(call)
      ? this.#engine.invoke(call.name, this.#requestOf(call))
      : this.#engine.call(call);
    return this.#isStrict ? withCallSite(called) : called;
  }

  #requestOf({ action, payload, options }: ReferenceCallOf): InvokeRequest {
    return {
      ...options,
      system: options?.system ?? this.#engine.system,
      definition: this.type.definition.name,
      action: action.name,
      payload,
    };
  }
}

/** Whether the options name a system, which is none of the options that an engine knows. */
function namesSystem({ options }: ReferenceCallOf): boolean {
  return typeof options === "object" && options !== null && "system" in options;
}

function storeOf({ statestore, encryption }: ActorSystemOptions): Statestore {
  const store = statestore ?? sqliteStatestore({ file: DEFAULT_STATE_FILE });
  checkStatestore("statestore", store);
  if (encryption === undefined) return store;
  if (isEncrypted(store)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "encryption: the statestore encrypts already; expected its keys in one of the two",
    );
  }
  return encryptedStatestore(store, encryption);
}

function heapPercent(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return (used / limit) * 100;
}

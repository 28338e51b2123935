/** An actor system whose actors a sidecar keeps: this program runs their actions. */
import {
  DRAIN_TIMEOUT_MS_DEFAULT,
  SpawnError,
  TIMEOUT_MS_MAX,
  checkName,
  checkWholeNumber,
} from "../engine/index.ts";
import type {
  ActorDefinition,
  ActorKind,
  ActorList,
  CallOptions,
  ChannelListener,
  EventListener,
  ExternalFunction,
  InvokeRequest,
  ReferenceCall,
  SendRequest,
} from "../engine/index.ts";
import { appliedBefore } from "../engine/calls/call-options.ts";
import { harmless } from "../engine/events.ts";
import { definitionOfActor } from "../sdk/actor.ts";
import type { ActorOf, AnyActor, NameOf } from "../sdk/actor.ts";
import type { ActorRef, EffectRef } from "../sdk/actor-ref.ts";
import type { ActorSystem, ActorSystemOptions } from "../sdk/actor-system.ts";
import { functionsOf } from "../sdk/external.ts";
import { findQuery } from "../sdk/finding.ts";
import type { FindOptions } from "../sdk/finding.ts";
import { currentRun, inProcessHost } from "../sdk/in-process-host.ts";
import { addRunningSystem, removeRunningSystem } from "../sdk/running-systems.ts";
import type { RunningSystem } from "../sdk/running-systems.ts";
import { warnings } from "../sdk/warnings.ts";
import { CallbackServer } from "./callback-server.ts";
import { SidecarChannels } from "./sidecar-channels.ts";
import { HostedActors } from "./hosted-actors.ts";
import { HttpExchange } from "./http-exchange.ts";
import { checkDefinitionOverWire, checkExternalOverWire, notOverWire } from "./over-the-wire.ts";
import { registrationOf } from "./registration.ts";
import { addressOf, sidecarOptions } from "./sidecar-address.ts";
import type { SidecarOptions } from "./sidecar-address.ts";
import { SidecarCalls } from "./sidecar-calls.ts";
import { findThrough } from "./sidecar-finding.ts";
import { SidecarLink } from "./sidecar-link.ts";
import { SidecarReferences } from "./sidecar-references.ts";
import { HostedRuns } from "./stream/hosted-runs.ts";
import { SidecarStream } from "./stream/sidecar-stream.ts";
import { StreamCalls } from "./stream/stream-calls.ts";

/** Options that only the keeper of the actors can have, and what to do beside one. */
const KEEPERS_OPTIONS = {
  statestore: "set its PROXY_DATABASE_TYPE",
  encryption: "set its SPAWN_STATESTORE_KEY",
  cluster: "leave it out",
  limits: "leave them out",
  clock: "leave it out",
  random: "leave it out",
} as const satisfies Partial<Record<keyof ActorSystemOptions, string>>;

type Phase = "new" | "running" | "stopped";

export class SidecarActorSystem implements ActorSystem, RunningSystem {
  readonly name: string;
  readonly handlesSignals: boolean;
  readonly #options: SidecarOptions;
  readonly #registration: Uint8Array;
  /** What a proxy cannot be told that speaks the protocol and no more. */
  readonly #foreignProblem: SpawnError | undefined;
  readonly #http: HttpExchange;
  /**
   * For what may not wait for a connection: calls of running actions, because those that have the
   * connections may wait for them, and streams, which have theirs for long.
   */
  readonly #httpUnbounded: HttpExchange;
  readonly #calls: SidecarCalls;
  readonly #channels: SidecarChannels;
  readonly #references = new SidecarReferences();
  readonly #stream: SidecarStream | undefined;
  readonly #runs: HostedRuns;
  /** Listens only for a sidecar that gives no stream. */
  readonly #server: CallbackServer;
  readonly #emit: EventListener;
  #link: SidecarLink | undefined;
  #phase: Phase = "new";
  #stopping: Promise<void> | undefined;

  /** @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED` */
  constructor(
    name: string,
    options: ActorSystemOptions & { readonly sidecar: string | SidecarOptions },
  ) {
    checkName("system", name);
    checkOptions(name, options);
    this.name = name;
    this.handlesSignals = options.handleSignals ?? true;
    this.#emit = harmless(options.onEvent ?? warnings(name));
    this.#options = sidecarOptions(options.sidecar);
    const definitions = definitionsOf(options.actors);
    const externals = functionsOf(options.externals ?? []);
    this.#registration = registrationOf(name, definitions.values(), externals.keys());
    this.#foreignProblem = problemOverWire(definitions.values(), externals);
    const address = addressOf(this.#options);
    this.#http = new HttpExchange(address);
    this.#httpUnbounded = new HttpExchange(address, Infinity);
    this.#channels = new SidecarChannels(this.#httpUnbounded, name, this.#emit);
    const actors = new HostedActors(definitions, {
      host: inProcessHost((target, instance, call) =>
        this.#references.to(target as AnyActor, instance, call),
      ),
      callFrom: (run, called, request) => callsOfRuns.invoke(called, request, run),
      externals,
      emit: this.#emit,
    });
    this.#server = new CallbackServer(actors);
    this.#runs = new HostedRuns(actors);
    const { stream: isStreamed = true } = this.#options;
    this.#stream = isStreamed ? new SidecarStream(address, this.#runs) : undefined;
    const stream = this.#stream && new StreamCalls(this.#stream);
    this.#calls = new SidecarCalls({ http: this.#http, stream }, name);
    const ways = { http: this.#httpUnbounded, stream, isUrgent: true };
    const callsOfRuns = new SidecarCalls(ways, name);
  }

  async start(): Promise<void> {
    if (this.#phase !== "new") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the system ${this.name} was started before; make another one to start again`,
      );
    }
    addRunningSystem(this);
    this.#phase = "running";
    const { host = "127.0.0.1", port = 0 } = this.#options;
    try {
      this.#link = new SidecarLink({
        address: addressOf(this.#options),
        body: this.#registration,
        stream: this.#stream,
        listen: () => this.#server.listen(host, port),
        awaited: (cause) => this.#emit({ type: "sidecar-awaited", system: this.name, cause }),
      });
      await this.#link.start();
      this.#checkRunning();
      if (this.#foreignProblem !== undefined && (await this.#calls.isForeign())) {
        throw this.#foreignProblem;
      }
    } catch (error) {
      this.crash();
      throw error;
    }
  }

  actor<State, ActionsOf, Kind extends ActorKind>(
    defined: ActorOf<State, ActionsOf, Kind>,
    ...[name]: NameOf<Kind>
  ): ActorRef<State, ActionsOf> {
    const call: ReferenceCall = (called, request) => this.invoke(called, request);
    return this.#references.to(defined, name, call) as ActorRef<State, ActionsOf>;
  }

  async invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply> {
    const run = currentRun();
    if (run !== undefined) return (await run.invoke(name, this.#ownSystem(request))) as Reply;
    this.#checkRunning(request);
    return (await this.#calls.invoke(name, request)) as Reply;
  }

  effect<State, ActionsOf, Kind extends ActorKind>(
    defined: ActorOf<State, ActionsOf, Kind>,
    ...[name]: NameOf<Kind>
  ): EffectRef<ActionsOf, Promise<string>> {
    const send: ReferenceCall = (called, request) => this.send(called, request);
    return this.#references.to(defined, name, send) as EffectRef<ActionsOf, Promise<string>>;
  }

  async send(name: string, request: SendRequest): Promise<string> {
    const run = currentRun();
    if (run !== undefined) return run.send(name, this.#ownSystem(request));
    this.#checkRunning();
    return await this.#calls.send(name, request);
  }

  async publish(channel: string, payload?: unknown): Promise<string> {
    const run = currentRun();
    if (run?.self.system === this.name) return run.broadcast(channel, payload);
    this.#checkRunning();
    return await this.#channels.publish(channel, payload);
  }

  subscribe(channel: string, listener: ChannelListener): () => void {
    if (this.#phase === "stopped") return () => undefined;
    return this.#channels.subscribe(channel, listener);
  }

  get messages(): never {
    throw atTheKeeper("messages");
  }

  get actors(): never {
    throw atTheKeeper("actors");
  }

  async find(defined: AnyActor, where: object, options?: FindOptions): Promise<ActorList> {
    const query = findQuery(definitionOfActor(defined), where, options);
    this.#checkRunning();
    return await findThrough(this.#http, this.name, query);
  }

  async reindex(): Promise<never> {
    throw atTheKeeper("reindex");
  }

  stored(): never {
    throw atTheKeeper("stored");
  }

  async reencrypt(): Promise<never> {
    throw atTheKeeper("reencrypt");
  }

  async checkMigrations(): Promise<never> {
    throw atTheKeeper("checkMigrations");
  }

  export(): never {
    throw atTheKeeper("export");
  }

  stop({
    drainTimeoutMs = DRAIN_TIMEOUT_MS_DEFAULT,
  }: { readonly drainTimeoutMs?: number | undefined } = {}): Promise<void> {
    if (this.#phase === "running") this.#stopping = this.#stop(drainTimeoutMs);
    return this.#stopping ?? Promise.resolve();
  }

  async #stop(drainTimeoutMs: number): Promise<void> {
    checkWholeNumber("drainTimeoutMs", drainTimeoutMs, { min: 0, max: TIMEOUT_MS_MAX });
    this.#phase = "stopped";
    this.#channels.close();
    this.#link?.stop();
    try {
      await Promise.all([
        this.#server.stop(drainTimeoutMs),
        this.#runs.stop(drainTimeoutMs),
        this.#stream?.leave(),
      ]);
    } finally {
      this.#closeConnections();
      removeRunningSystem(this);
    }
  }

  crash(): void {
    this.#phase = "stopped";
    this.#channels.close();
    this.#link?.stop();
    this.#server.crash();
    this.#closeConnections();
    removeRunningSystem(this);
  }

  #closeConnections(): void {
    this.#stream?.close();
    this.#http.close();
    this.#httpUnbounded.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #ownSystem<Request extends { readonly system?: string | undefined }>(request: Request): Request {
    return { ...request, system: request.system ?? this.name };
  }

  #checkRunning(options?: CallOptions): void {
    if (this.#phase === "running") return;
    if (this.#phase === "new") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `the system ${this.name} is not started; await start() first`,
      );
    }
    throw new SpawnError("SHUTTING_DOWN", `the system ${this.name} is stopped`, {
      applied: appliedBefore(options),
    });
  }
}

function atTheKeeper(member: string): SpawnError {
  return notOverWire(`system.${member}`, "ask where the actors are kept");
}

/** @throws {SpawnError} `INVALID_ARGUMENT` for what only the sidecar can be told */
function checkOptions(name: string, options: ActorSystemOptions): void {
  if (!Array.isArray(options.actors)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `actors of ${name}: expected an array of actors, got ${typeof options.actors}`,
    );
  }
  for (const [option, instead] of Object.entries(KEEPERS_OPTIONS)) {
    if (options[option as keyof typeof KEEPERS_OPTIONS] === undefined) continue;
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${option} of ${name}: the sidecar keeps the actors, so that is its own; ${instead}`,
    );
  }
}

function problemOverWire(
  definitions: Iterable<ActorDefinition>,
  externals: ReadonlyMap<string, ExternalFunction>,
): SpawnError | undefined {
  try {
    for (const name of externals.keys()) checkExternalOverWire(name);
    for (const definition of definitions) checkDefinitionOverWire(definition);
    return undefined;
  } catch (error) {
    return error as SpawnError;
  }
}

/** @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED` */
function definitionsOf(actors: readonly AnyActor[]): ReadonlyMap<string, ActorDefinition> {
  const definitions = new Map<string, ActorDefinition>();
  for (const defined of actors) {
    const definition = definitionOfActor(defined);
    if (definitions.has(definition.name)) {
      throw new SpawnError("ALREADY_REGISTERED", `the actor ${definition.name} is defined twice`);
    }
    definitions.set(definition.name, definition);
  }
  return definitions;
}

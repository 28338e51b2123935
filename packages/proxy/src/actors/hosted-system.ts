/**
 * One actor system whose actors run at hosts: the engine, with definitions that come from registrations.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";
import { cronTimes } from "spawn-mesh";
import { Engine, SpawnError, findAction, isSpawnError } from "spawn-mesh/engine";
import type {
  ActorDefinition,
  ActorId,
  ActorKind,
  ActorType,
  CallOptions,
  Durability,
  EngineEvent,
  ErrorCode,
  EventListener,
  Host,
  Limits,
  Origin,
  ReferenceCall,
  Statestore,
} from "spawn-mesh/engine";
import { Kind, isJsonType, spellingOf } from "spawn-mesh/protocol";
import type { Guard } from "../security/guard.ts";
import type { RegisteredNames } from "../observability/observer.ts";
import type { RegisteredActor, Registration, Spelling } from "spawn-mesh/protocol";
import { HostUnavailable } from "../host/host-program.ts";
import type { HostProgram } from "../host/host-program.ts";
import type { ActorHosts } from "../host/actor-hosts.ts";
import { notFound } from "./directory.ts";
import type { Directory, WireTarget } from "./directory.ts";
import { HostRefusal } from "./host-failure.ts";
import { actionNames, hostedDefinition, initialState, isStored } from "./hosted-definition.ts";
import type { RegisteredHosts, SharedHosting } from "./hosted-definition.ts";
import { typeNameOf } from "./hosted-run.ts";
import { keptRegistration, registrationOf } from "./kept-registration.ts";
import type { KeptRegistration } from "./kept-registration.ts";
import { Records, recordDefinitions } from "./records.ts";
import { SpawnedInstances } from "./spawned-instances.ts";
import { StatesInMemory } from "./states-in-memory.ts";
import type { RouteTarget } from "./workflow.ts";

/** How a system treats the actors of its hosts. */
export interface HostedSystemOptions {
  readonly store: Statestore;
  readonly limits: Partial<Limits>;
  readonly durability: Durability;
  /** Whether an empty map of tags from a host is taken as one. */
  readonly clearsTags: boolean;
  readonly onEvent: EventListener;
  readonly guard: Guard;
  /** Finds actors of all systems. */
  readonly directory: Directory;
  readonly findSystem: (name: string) => Engine | undefined;
}

/** What was registered once, and cannot be taken any more. */
export interface RefusedRegistration {
  /** The actor. */
  readonly name: string;
  readonly error: unknown;
}

/** An actor that is registered. */
export interface RegisteredActorInfo {
  readonly name: string;
  readonly kind: ActorKind;
  readonly hosts: readonly string[];
}

/** A call to an actor, its payload a value of the engine. */
export interface HostedCall {
  readonly target: WireTarget;
  readonly action: string;
  readonly payload: unknown;
  readonly options: CallOptions;
  /** The actor that makes it, if one does. */
  readonly caller: ActorId | undefined;
}

/** Actors that hosts may register in one system, instances not counted. */
const REGISTERED_MAX = 10_000;

/** Hosts that can run one actor; further ones are forgotten, the oldest first. */
const HOSTS_PER_ACTOR_MAX = 8;

/** For how long a registration waits for actors that are at work with another kind, in milliseconds. */
const REDEFINE_WAIT_MS = 3_000;
const REDEFINE_STEP_MS = 50;

export class HostedSystem {
  readonly name: string;
  readonly engine: Engine;
  readonly #options: HostedSystemOptions;
  readonly #spawned: SpawnedInstances;
  readonly #registered: Records<KeptRegistration>;
  readonly #hosts = new Map<string, RegisteredHosts>();
  /** The states of those that are not stored, by the names of their definitions. */
  readonly #inMemory = new Map<string, StatesInMemory>();

  constructor(name: string, options: HostedSystemOptions) {
    this.name = name;
    this.#options = options;
    this.engine = new Engine({
      system: name,
      definitions: recordDefinitions,
      store: options.store,
      host: remoteHost,
      limits: options.limits,
      onEvent: (event) => this.#told(event),
      cronTimes,
      heapPercent,
      awaitsDefinitions: true,
      findSystem: options.findSystem,
    });
    const { engine } = this;
    this.#spawned = new SpawnedInstances(new Records(engine, options.store, "<spawned>"));
    this.#registered = new Records(engine, options.store, "<registered>");
  }

  #told(event: EngineEvent): void {
    if (event.type === "deactivated") {
      const { definition, name } = event.actor;
      this.#inMemory.get(definition)?.forget(name);
    }
    this.#options.onEvent(event);
  }

  /**
   * Takes the actors of a host.
   *
   * @param by the identity that registers them
   * @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED`, `OVERLOADED`
   */
  async register({ actors }: Registration, host: HostProgram, by: string): Promise<void> {
    this.engine.checkAccepting();
    this.#checkRoom(actors);
    learnSpelling(host, actors);
    const taken = actors.map((registered) => {
      const hosts = this.#hostsWith(registered, host);
      return { registered, hosts, definition: this.#definition(registered, hosts) };
    });
    for (const { definition, hosts } of taken) await this.#take(definition, hosts);
    await Promise.all(
      taken.map(({ registered, hosts }) =>
        this.#registered.put(registered.id.name, keptRegistration(registered, { hosts, by })),
      ),
    );
  }

  /** Starts with what was registered before; answers what of it cannot be taken. @throws {SpawnError} */
  async start(hosts: ActorHosts): Promise<readonly RefusedRegistration[]> {
    const refused: RefusedRegistration[] = [];
    try {
      await this.engine.start(async () => void refused.push(...(await this.#takeKept(hosts))));
    } catch (error) {
      await this.engine.stop({ drainTimeoutMs: 0 });
      throw error;
    }
    return refused;
  }

  async #takeKept(hosts: ActorHosts): Promise<readonly RefusedRegistration[]> {
    const refused: RefusedRegistration[] = [];
    for (const name of await this.#registered.names()) {
      try {
        const kept = (await this.#registered.get(name))!;
        this.#options.guard.remember(kept.by, this.name, name);
        const found = registrationOf(kept, { system: this.name, hosts });
        await this.#take(this.#definition(found.registered, found.hosts), found.hosts);
      } catch (error) {
        refused.push({ name, error });
      }
    }
    return refused;
  }

  #definition(registered: RegisteredActor, hosts: RegisteredHosts): ActorDefinition {
    return hostedDefinition(registered, this.#hosting(registered, hosts), this.#options);
  }

  async #take(definition: ActorDefinition, hosts: RegisteredHosts): Promise<void> {
    await this.#define(definition);
    this.#hosts.set(definition.name, hosts);
  }

  #checkRoom(actors: readonly RegisteredActor[]): void {
    const added = actors.filter(({ id }) => !this.#hosts.has(id.name)).length;
    if (this.#hosts.size + added <= REGISTERED_MAX) return;
    throw new SpawnError(
      "OVERLOADED",
      `the system ${this.name} has at most ${REGISTERED_MAX} registered actors`,
    );
  }

  #hostsWith(registered: RegisteredActor, host: HostProgram): RegisteredHosts {
    const known = this.#hosts.get(registered.id.name) ?? [];
    const others = known.filter((other) => other.host !== host && !other.host.isGone);
    const latest = { host, actions: actionNames(registered) };
    return [latest, ...others.slice(0, HOSTS_PER_ACTOR_MAX - 1)];
  }

  #hosting(registered: RegisteredActor, hosts: RegisteredHosts): SharedHosting {
    const { clearsTags, directory } = this.#options;
    return {
      hosts: () => this.#hosts.get(registered.id.name) ?? hosts,
      memory: this.#memoryFor(registered),
      parent: registered.id.parent,
      stateType: stateTypeOf(registered),
      clearsTags,
      directory,
    };
  }

  /** Actors that are alive keep what they have, whatever is registered meanwhile. */
  #memoryFor(registered: RegisteredActor): StatesInMemory | undefined {
    const { id, settings } = registered;
    if (isStored(registered)) return undefined;
    const memory = this.#inMemory.get(id.name) ?? new StatesInMemory();
    memory.initial = initialState(registered);
    memory.isKept = settings.kind !== Kind.POOLED;
    this.#inMemory.set(id.name, memory);
    return memory;
  }

  async #define(definition: ActorDefinition): Promise<void> {
    await whenIdle(() => this.engine.define(definition));
  }

  /**
   * Forgets that an actor was registered; answers whether it was. What is stored of it stays, and messages
   * to it wait for a while. Who registers it meanwhile has it.
   *
   * @throws {SpawnError} `OVERLOADED` while it is at work
   */
  async unregister(name: string): Promise<boolean> {
    this.engine.checkAccepting();
    const hosts = this.#hosts.get(name);
    if (hosts === undefined && (await this.#registered.get(name)) === undefined) return false;
    // From now on callers find nobody.
    this.#hosts.delete(name);
    try {
      await whenIdle(() => this.#hosts.has(name) || this.engine.undefine(name));
    } catch (error) {
      if (hosts !== undefined && !this.#hosts.has(name)) this.#hosts.set(name, hosts);
      throw error;
    }
    if (this.#hosts.has(name)) return false;
    this.#inMemory.delete(name);
    await this.#registered.remove(name);
    return true;
  }

  /** What hosts have registered, and where these listen, the one first that is asked first. */
  get registrations(): readonly RegisteredActorInfo[] {
    return [...this.#hosts].map(([name, hosts]) => ({
      name,
      kind: this.engine.type(name).definition.kind,
      hosts: hosts.map(({ host }) => host.name),
    }));
  }

  /**
   * Makes `name` an instance of a registered actor; resolves when that is stored.
   *
   * @throws {SpawnError} `ACTOR_NOT_FOUND` when there is no such actor, `INVALID_ARGUMENT` when it has no instances
   */
  async spawn(name: string, parent: string): Promise<ActorId> {
    const type = this.#typeOf(parent);
    if (type === undefined) throw notFound({ name: parent, system: this.name });
    const { kind } = type.definition;
    if (kind !== "unnamed") {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `${parent} is a ${kind} actor, so ${name} cannot be spawned from it; expected an unnamed one`,
      );
    }
    await this.#spawned.remember(name, parent);
    return this.#place(parent, name);
  }

  /** Puts a kept revision of an instance in the place of its state. */
  async restore({ definition, name }: ActorId, revision: number): Promise<void> {
    await this.engine.stored(this.engine.type(definition), name).restore(revision);
  }

  /** Who is meant; `undefined` if nobody is. */
  async find(target: WireTarget): Promise<ActorId | undefined> {
    const { name, parent } = target;
    const known = this.#known(target);
    if (known !== undefined) return known;
    const registered = becomes(target);
    if (registered !== undefined) return await this.spawn(name, registered);
    const spawnedFrom = this.#spawned.known(name) ?? (await this.#spawned.recall(name)) ?? parent;
    const kind = this.#typeOf(spawnedFrom)?.definition.kind;
    return kind === "unnamed" ? this.#place(spawnedFrom, name) : undefined;
  }

  /** Who is meant, as far as that is known without asking the statestore. */
  #known(target: WireTarget): ActorId | undefined {
    const { name } = target;
    const registered = becomes(target);
    if (registered === undefined && this.#hosts.has(name)) return this.#place(name, name);
    const spawnedFrom = this.#spawned.known(name);
    if (spawnedFrom === undefined || (registered ?? spawnedFrom) !== spawnedFrom) return undefined;
    const kind = this.#typeOf(spawnedFrom)?.definition.kind;
    return kind === "unnamed" ? this.#place(spawnedFrom, name) : undefined;
  }

  /** Calls an action. @throws {SpawnError} */
  call(call: HostedCall): Promise<unknown> {
    const { target, options, caller } = call;
    this.engine.checkAccepting({ origin: originOf(caller), options });
    const known = this.#known(target);
    if (known !== undefined) return this.#callAt(known, call);
    return this.find(target).then((place) => {
      if (place === undefined) throw notFound(target);
      return this.#callAt(place, call);
    });
  }

  #callAt(place: ActorId, call: HostedCall): Promise<unknown> {
    const { target, action: name, payload, options, caller } = call;
    const origin = originOf(caller);
    const type = this.engine.type(place.definition);
    const action = findAction(type.definition, name);
    if (action === undefined) {
      throw new SpawnError(
        "ACTION_NOT_FOUND",
        `Action [${name}] not found for Actor [${target.name}]`,
      );
    }
    return this.engine.call({ type, name: place.name, action, payload, options, origin });
  }

  /** How those spell `JSONType` and `Noop` who know an actor; `undefined` if nobody has registered it. */
  spellingFor(actor: string): Spelling | undefined {
    const registered = this.#hosts.has(actor) ? actor : this.#spawned.known(actor);
    return registered === undefined ? undefined : this.#hosts.get(registered)?.[0].host.spelling;
  }

  /** The names of a call as far as they are registered. */
  registered({ name, parent, registerRef }: WireTarget, action: string): RegisteredNames {
    const candidates = [registerRef, name, this.#spawned.known(name) ?? "", parent];
    const actor = candidates.find((each) => this.#hosts.has(each));
    const definition = actor === undefined ? undefined : this.engine.type(actor).definition;
    const isAction = definition !== undefined && findAction(definition, action) !== undefined;
    return { system: this.name, actor: actor ?? "", action: isAction ? action : "" };
  }

  /** The kind that an actor is registered with; `undefined` if nobody has registered it. */
  kindOf(actor: string): ActorKind | undefined {
    return this.#typeOf(actor)?.definition.kind;
  }

  #typeOf(name: string): ActorType | undefined {
    return this.#hosts.has(name) ? this.engine.type(name) : undefined;
  }

  #place(definition: string, name: string): ActorId {
    return { system: this.name, definition, name };
  }
}

/** Of which actor it is to be an instance from now on. One SDK names every actor itself there. */
function becomes({ name, registerRef }: WireTarget): string | undefined {
  return registerRef === "" || registerRef === name ? undefined : registerRef;
}

const NO_CHAIN: readonly string[] = [];

/** Where a call comes from that an actor makes outside of its actions. */
function originOf(caller: ActorId | undefined): Origin | undefined {
  return caller && { caller, chain: NO_CHAIN, deadlineAt: Infinity, parent: undefined };
}

/** Changes a definition. Actors that cannot go on without the one before have a moment to come to an end. */
async function whenIdle(change: () => unknown): Promise<void> {
  const endsAt = performance.now() + REDEFINE_WAIT_MS;
  for (;;) {
    try {
      return void change();
    } catch (error) {
      const isBusy = isSpawnError(error) && BUSY.has(error.code);
      if (!isBusy || performance.now() > endsAt) throw error;
    }
    await sleep(REDEFINE_STEP_MS);
  }
}

/** What the engine says of actors that are at work. */
const BUSY: ReadonlySet<ErrorCode> = new Set(["ALREADY_REGISTERED", "OVERLOADED"]);

/** Runs what {@link hostedDefinition} made, and knows what is not the action's failure: the host's, and our own. */
const remoteHost: Host = {
  run: (action, context, payload) => action(context, payload),
  failure(thrown) {
    if (isSpawnError(thrown) && thrown.code === "UNAUTHORIZED") return thrown;
    if (thrown instanceof HostRefusal) return thrown.error;
    return thrown instanceof HostUnavailable
      ? new SpawnError("HOST_UNAVAILABLE", thrown.message, { cause: thrown })
      : undefined;
  },
  reference(target, _name, call: ReferenceCall) {
    const { place, action } = target as RouteTarget;
    const { system, definition, name } = place;
    return { [action]: () => call(name, { system, definition, action }) };
  },
};

/** What a host registers shows which generation of the protocol its SDK is of. */
function learnSpelling(host: HostProgram, actors: readonly RegisteredActor[]): void {
  for (const { definition } of actors) {
    const spelling = spellingOf(definition.state?.state?.typeUrl ?? "");
    if (spelling !== undefined) host.spelling = spelling;
  }
}

function stateTypeOf({ definition, settings }: RegisteredActor): string | undefined {
  const typeUrl = definition.state?.state?.typeUrl ?? "";
  if (typeUrl !== "" && (isJsonType(typeUrl) || spellingOf(typeUrl) === undefined)) {
    return typeNameOf(typeUrl);
  }
  return settings.stateType.includes(".") ? typeNameOf(settings.stateType) : undefined;
}

function heapPercent(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return (used / limit) * 100;
}

/**
 * One actor system whose actors run at hosts: the engine, with definitions that come from registrations.
 */
import { getHeapStatistics } from "node:v8";
import { cronTimes } from "spawn-mesh";
import { Engine, SpawnError, findAction, isSpawnError } from "spawn-mesh/engine";
import type {
  ActionDefinition,
  ActorId,
  ActorKind,
  ActorType,
  CallOptions,
  EngineEvent,
  EventListener,
  Host,
  Limits,
  Origin,
  ReferenceCall,
  Statestore,
} from "spawn-mesh/engine";
import type { Spelling } from "spawn-mesh/protocol";
import { besideKey } from "../beside-key.ts";
import type { ActorHosts } from "../host/actor-hosts.ts";
import { HostIsFull, HostUnavailable } from "../host/host-program.ts";
import type { RegisteredNames } from "../observability/observer.ts";
import type { Guard } from "../security/guard.ts";
import { notFound } from "./directory.ts";
import type { WireTarget } from "./directory.ts";
import { HostRefusal } from "./host-failure.ts";
import { Records, recordDefinitions } from "./records.ts";
import { RegisteredActors } from "./registered-actors.ts";
import { RegisteredExternals } from "./registered-externals.ts";
import type { KeptFunction } from "./registered-externals.ts";
import type { HostProgram } from "../host/host-program.ts";
import type { RefusedRegistration, RegisteredActorsParts } from "./registered-actors.ts";
import { SpawnedInstances } from "./spawned-instances.ts";
import type { RouteTarget } from "./workflow.ts";

/** How a system treats the actors of its hosts. */
export interface HostedSystemOptions extends Omit<RegisteredActorsParts, "engine"> {
  readonly store: Statestore;
  readonly limits: Partial<Limits>;
  readonly onEvent: EventListener;
  readonly findSystem: (name: string) => Engine | undefined;
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

export class HostedSystem {
  readonly name: string;
  readonly engine: Engine;
  /** The actors that hosts have registered. */
  readonly registered: RegisteredActors;
  readonly #externals: RegisteredExternals;
  readonly #keptExternals: Records<KeptFunction>;
  readonly #guard: Guard;
  readonly #onEvent: EventListener;
  readonly #spawned: SpawnedInstances;

  constructor(name: string, options: HostedSystemOptions) {
    this.name = name;
    this.#onEvent = options.onEvent;
    this.#guard = options.guard;
    this.#externals = new RegisteredExternals(name);
    this.engine = new Engine({
      system: name,
      definitions: recordDefinitions,
      store: options.store,
      host: remoteHost,
      externals: this.#externals.functions,
      limits: options.limits,
      onEvent: (event) => this.#told(event),
      cronTimes,
      heapPercent,
      awaitsDefinitions: true,
      findSystem: options.findSystem,
    });
    const { engine } = this;
    const { store, durability, clearsTags, guard, directory } = options;
    this.#spawned = new SpawnedInstances(new Records(engine, store, "<spawned>"));
    this.#keptExternals = new Records(engine, store, "<externals>");
    this.registered = new RegisteredActors(
      { engine, durability, clearsTags, guard, directory },
      new Records(engine, store, "<registered>"),
    );
  }

  #told(event: EngineEvent): void {
    if (event.type === "deactivated") this.registered.deactivated(event.actor);
    this.#onEvent(event);
  }

  /** Starts with what was registered before; answers what of it cannot be taken. @throws {SpawnError} */
  async start(hosts: ActorHosts): Promise<readonly RefusedRegistration[]> {
    const refused: RefusedRegistration[] = [];
    try {
      await this.engine.start(async () => {
        refused.push(...(await this.registered.restore(hosts)));
        await this.#externals.restore(this.#keptExternals, this.#guard);
      });
    } catch (error) {
      await this.engine.stop({ drainTimeoutMs: 0 });
      throw error;
    }
    return refused;
  }

  /** @throws {SpawnError} `INVALID_ARGUMENT`, `OVERLOADED` for functions outside that cannot be taken */
  checkExternals(names: readonly string[]): void {
    this.#externals.check(names);
  }

  /** Takes functions outside that a host has, registered by that identity. @throws {SpawnError} */
  async addExternals(names: readonly string[], host: HostProgram, by: string): Promise<void> {
    this.engine.checkAccepting();
    await this.#externals.add(names, { host, by }, this.#keptExternals);
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

  /**
   * Puts a kept revision of an instance in the place of its state.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` also when only its host could make the fields that it is found by then
   */
  async restore({ definition, name }: ActorId, revision: number): Promise<void> {
    const type = this.engine.type(definition);
    if (type.definition.index === undefined) {
      return await this.engine.stored(type, name).restore(revision);
    }
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${definition} declares an index, which only an action can make anew: let one set the state`,
    );
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
    if (registered === undefined && this.registered.has(name)) return this.#place(name, name);
    const spawnedFrom = this.#spawned.known(name);
    if (spawnedFrom === undefined || (registered ?? spawnedFrom) !== spawnedFrom) return undefined;
    const kind = this.#typeOf(spawnedFrom)?.definition.kind;
    return kind === "unnamed" ? this.#place(spawnedFrom, name) : undefined;
  }

  /** Who is meant. @throws {SpawnError} `ACTOR_NOT_FOUND` */
  async #existing(target: WireTarget): Promise<ActorId> {
    const place = await this.find(target);
    if (place === undefined) throw notFound(target);
    return place;
  }

  /** Calls an action. @throws {SpawnError} */
  call(call: HostedCall): Promise<unknown> {
    const { target, options, caller } = call;
    this.engine.checkAccepting({ origin: originOf(caller), options });
    const known = this.#known(target);
    if (known !== undefined) return this.#callAt(known, call);
    const found = besideKey(options, () => this.#existing(target));
    return found.then((place) => this.#callAt(place, call));
  }

  #callAt(place: ActorId, call: HostedCall): Promise<unknown> {
    const { target, action: name, payload, options, caller } = call;
    const origin = originOf(caller);
    const type = this.engine.type(place.definition);
    const action = besideKey(options, () => existingAction(type, name, target));
    return this.engine.call({ type, name: place.name, action, payload, options, origin });
  }

  /** How those spell `JSONType` and `Noop` who know an actor; `undefined` if nobody has registered it. */
  spellingFor(actor: string): Spelling | undefined {
    const registered = this.registered.has(actor) ? actor : this.#spawned.known(actor);
    return registered === undefined
      ? undefined
      : this.registered.hostsOf(registered)?.[0].host.spelling;
  }

  /** The names of a call as far as they are registered. */
  registeredNames({ name, parent, registerRef }: WireTarget, action: string): RegisteredNames {
    const candidates = [registerRef, name, this.#spawned.known(name) ?? "", parent];
    const actor = candidates.find((each) => this.registered.has(each));
    const definition = actor === undefined ? undefined : this.engine.type(actor).definition;
    const isAction = definition !== undefined && findAction(definition, action) !== undefined;
    return { system: this.name, actor: actor ?? "", action: isAction ? action : "" };
  }

  /** The kind that an actor is registered with; `undefined` if nobody has registered it. */
  kindOf(actor: string): ActorKind | undefined {
    return this.#typeOf(actor)?.definition.kind;
  }

  #typeOf(name: string): ActorType | undefined {
    return this.registered.has(name) ? this.engine.type(name) : undefined;
  }

  #place(definition: string, name: string): ActorId {
    return { system: this.name, definition, name };
  }
}

/** Of which actor it is to be an instance from now on. One SDK names every actor itself there. */
function becomes({ name, registerRef }: WireTarget): string | undefined {
  return registerRef === "" || registerRef === name ? undefined : registerRef;
}

/** In the words that SDKs and their users know. @throws {SpawnError} `ACTION_NOT_FOUND` */
function existingAction(
  { definition }: ActorType,
  name: string,
  target: WireTarget,
): ActionDefinition {
  const action = findAction(definition, name);
  if (action !== undefined) return action;
  throw new SpawnError("ACTION_NOT_FOUND", `Action [${name}] not found for Actor [${target.name}]`);
}

const NO_CHAIN: readonly string[] = [];

/** Where a call comes from that an actor makes outside of its actions. */
function originOf(caller: ActorId | undefined): Origin | undefined {
  return caller && { caller, chain: NO_CHAIN, deadlineAt: Infinity, parent: undefined };
}

/** Runs what {@link hostedDefinition} made, and knows what is not the action's failure: the host's, and our own. */
const remoteHost: Host = {
  run: (action, context, payload) => action(context, payload),
  failure(thrown) {
    if (isSpawnError(thrown) && thrown.code === "UNAUTHORIZED") return thrown;
    if (thrown instanceof HostRefusal) return thrown.error;
    if (thrown instanceof HostIsFull) return new SpawnError("OVERLOADED", thrown.message);
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

function heapPercent(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return (used / limit) * 100;
}

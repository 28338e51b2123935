/**
 * The actors that hosts have registered in one system, and which hosts run them. All of it is kept, because
 * hosts register once, when they start, and a proxy that starts again has to know.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SpawnError, isSpawnError } from "spawn-mesh/engine";
import type {
  ActorDefinition,
  ActorId,
  ActorKind,
  Durability,
  Engine,
  ErrorCode,
} from "spawn-mesh/engine";
import { Kind, isJsonType, spellingOf } from "spawn-mesh/protocol";
import type { RegisteredActor, Registration } from "spawn-mesh/protocol";
import type { ActorHosts } from "../host/actor-hosts.ts";
import type { HostProgram } from "../host/host-program.ts";
import type { Guard } from "../security/guard.ts";
import type { Directory } from "./directory.ts";
import { isIndexed } from "./definition-of-sdk.ts";
import { actionNames, hostedDefinition, initialState, isStored } from "./hosted-definition.ts";
import type { RegisteredHosts, SharedHosting } from "./hosted-definition.ts";
import { typeNameOf } from "./hosted-run.ts";
import { keptRegistration, registrationOf } from "./kept-registration.ts";
import type { KeptRegistration } from "./kept-registration.ts";
import type { Records } from "./records.ts";
import { StatesInMemory } from "./states-in-memory.ts";

/** What was registered once, and cannot be taken any more. */
export interface RefusedRegistration {
  /** The actor. */
  readonly name: string;
  readonly error: unknown;
}

/** A host that registers. */
export interface RegisteringHost {
  readonly host: HostProgram;
  /** The identity that it has. */
  readonly identity: string;
  /** When it was started, or now, in milliseconds since 1970. */
  readonly since: number;
}

/** An actor that is registered. */
export interface RegisteredActorInfo {
  readonly name: string;
  readonly kind: ActorKind;
  readonly hosts: readonly string[];
}

/** What registered actors need of the system that they are in. */
export interface RegisteredActorsParts {
  readonly engine: Engine;
  readonly durability: Durability;
  /** Whether an empty map of tags from a host is taken as one. */
  readonly clearsTags: boolean;
  readonly guard: Guard;
  /** Finds actors of all systems. */
  readonly directory: Directory;
}

/** Actors that hosts may register in one system, instances not counted. */
const REGISTERED_MAX = 10_000;

/** Hosts that can run one actor; further ones are forgotten, the oldest first. */
const HOSTS_PER_ACTOR_MAX = 8;

/** For how long a registration waits for actors that are at work with another kind, in milliseconds. */
const REDEFINE_WAIT_MS = 3_000;
const REDEFINE_STEP_MS = 50;

export class RegisteredActors {
  readonly #parts: RegisteredActorsParts;
  readonly #kept: Records<KeptRegistration>;
  readonly #hosts = new Map<string, RegisteredHosts>();
  /** What the first host of each has registered. */
  readonly #registered = new Map<string, RegisteredActor>();
  /** The states of those that are not stored, by the names of their definitions. */
  readonly #inMemory = new Map<string, StatesInMemory>();

  constructor(parts: RegisteredActorsParts, kept: Records<KeptRegistration>) {
    this.#parts = parts;
    this.#kept = kept;
  }

  get #system(): string {
    return this.#parts.engine.system;
  }

  has(name: string): boolean {
    return this.#hosts.has(name);
  }

  /** The hosts of an actor; `undefined` if nobody has registered it. */
  hostsOf(name: string): RegisteredHosts | undefined {
    return this.#hosts.get(name);
  }

  /** An actor has left memory: a state that is not stored is gone with it. */
  deactivated({ definition, name }: ActorId): void {
    this.#inMemory.get(definition)?.forget(name);
  }

  /**
   * Takes the actors of a host. What one of them is stays as the latest of its hosts has said that is there.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT`, `ALREADY_REGISTERED`, `OVERLOADED`
   */
  async add({ actors }: Registration, by: RegisteringHost): Promise<void> {
    this.#parts.engine.checkAccepting();
    this.#checkRoom(actors);
    learnSpelling(by.host, actors);
    // What is wrong with one of them is said before any is taken.
    for (const given of actors) this.#withHost(given, by);
    for (const given of actors) await this.#take(given, by);
    await Promise.all(actors.map(({ id }) => this.#keep(id.name, by.identity)));
  }

  /** Takes what was registered before; answers what of it cannot be taken. @throws {SpawnError} */
  async restore(hosts: ActorHosts): Promise<readonly RefusedRegistration[]> {
    const refused: RefusedRegistration[] = [];
    for (const name of await this.#kept.names()) {
      try {
        const kept = (await this.#kept.get(name))!;
        this.#parts.guard.remember(kept.by, this.#system, name);
        const found = registrationOf(kept, { system: this.#system, hosts });
        this.#become(this.#definition(found.registered, found.hosts), found.registered);
        this.#hosts.set(name, found.hosts);
      } catch (error) {
        refused.push({ name, error });
      }
    }
    return refused;
  }

  /** Others may register while it waits, so those hosts count that are there when it is taken. */
  async #take(given: RegisteredActor, by: RegisteringHost): Promise<void> {
    const { name } = given.id;
    await whenIdle(() => {
      const { hosts, definition } = this.#withHost(given, by);
      if (definition !== undefined) this.#become(definition, given);
      this.#hosts.set(name, hosts);
    });
  }

  /** An actor with one more host, and what it becomes if that is the latest one. @throws {SpawnError} `INVALID_ARGUMENT` */
  #withHost(
    given: RegisteredActor,
    by: RegisteringHost,
  ): { readonly hosts: RegisteredHosts; readonly definition: ActorDefinition | undefined } {
    const hosts = this.#hostsWith(given, by);
    const isLatest = hosts[0].host === by.host;
    return { hosts, definition: isLatest ? this.#definition(given, hosts) : undefined };
  }

  #definition(registered: RegisteredActor, hosts: RegisteredHosts): ActorDefinition {
    return hostedDefinition(registered, this.#hosting(registered, hosts), this.#parts);
  }

  #become(definition: ActorDefinition, registered: RegisteredActor): void {
    this.#parts.engine.define(definition);
    this.#registered.set(definition.name, registered);
  }

  /** Nothing is kept of what was taken away meanwhile. */
  async #keep(name: string, by: string): Promise<void> {
    const hosts = this.#hosts.get(name);
    const registered = this.#registered.get(name);
    if (hosts === undefined || registered === undefined) return;
    await this.#kept.put(name, keptRegistration(registered, { hosts, by }));
  }

  #checkRoom(actors: readonly RegisteredActor[]): void {
    const added = actors.filter(({ id }) => !this.#hosts.has(id.name)).length;
    if (this.#hosts.size + added <= REGISTERED_MAX) return;
    throw new SpawnError(
      "OVERLOADED",
      `the system ${this.#system} has at most ${REGISTERED_MAX} registered actors`,
    );
  }

  #hostsWith(registered: RegisteredActor, { host, since }: RegisteringHost): RegisteredHosts {
    const known = this.#hosts.get(registered.id.name) ?? [];
    const others = known.filter((other) => other.host !== host && !other.host.isGone);
    const actions = actionNames(registered);
    const added = { host, actions, isIndexed: isIndexed(registered), since };
    const all = [added, ...others.slice(0, HOSTS_PER_ACTOR_MAX - 1)];
    const [latest = added, ...further] = all.toSorted((one, other) => other.since - one.since);
    return [latest, ...further];
  }

  #hosting(registered: RegisteredActor, hosts: RegisteredHosts): SharedHosting {
    const { clearsTags, directory } = this.#parts;
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

  /**
   * Forgets that an actor was registered; answers whether it was. What is stored of it stays, and messages
   * to it wait for a while. Who registers it meanwhile has it.
   *
   * @throws {SpawnError} `OVERLOADED` while it is at work
   */
  async remove(name: string): Promise<boolean> {
    this.#parts.engine.checkAccepting();
    const hosts = this.#hosts.get(name);
    if (hosts === undefined && (await this.#kept.get(name)) === undefined) return false;
    // From now on callers find nobody.
    this.#hosts.delete(name);
    try {
      await whenIdle(() => this.#hosts.has(name) || this.#parts.engine.undefine(name));
    } catch (error) {
      if (hosts !== undefined && !this.#hosts.has(name)) this.#hosts.set(name, hosts);
      throw error;
    }
    if (this.#hosts.has(name)) return false;
    this.#inMemory.delete(name);
    this.#registered.delete(name);
    await this.#kept.remove(name);
    return true;
  }

  /** What hosts have registered, and where these listen, the one first that is asked first. */
  get all(): readonly RegisteredActorInfo[] {
    return [...this.#hosts].map(([name, hosts]) => ({
      name,
      kind: this.#parts.engine.type(name).definition.kind,
      hosts: hosts.map(({ host }) => host.name),
    }));
  }
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

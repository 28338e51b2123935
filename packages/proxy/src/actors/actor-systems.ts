/** The actor systems of a proxy: the one that it is configured for, and others that hosts register. */
import { SpawnError, checkName } from "spawn-mesh/engine";
import type { ActorId, Engine } from "spawn-mesh/engine";
import type { Directory, WireTarget } from "./directory.ts";
import { notFound } from "./directory.ts";
import { HostedSystem } from "./hosted-system.ts";
import type { HostedCall, HostedSystemOptions } from "./hosted-system.ts";
import { Records } from "./records.ts";
import type { ActorHosts } from "../host/actor-hosts.ts";
import type { Log } from "../log.ts";

/** Systems of one proxy. Each has an engine and a statestore of its own, which take some 15 MB together. */
const SYSTEMS_MAX = 8;

/** What all systems have in common, and how the statestore of each is opened. */
export interface ActorSystemsOptions extends Pick<
  HostedSystemOptions,
  "limits" | "durability" | "clearsTags" | "onEvent"
> {
  /** The system of whoever names none. */
  readonly defaultSystem: string;
  readonly openStore: (system: string) => HostedSystemOptions["store"];
  readonly hosts: ActorHosts;
  readonly log: Log;
}

export class ActorSystems implements Directory {
  readonly #options: ActorSystemsOptions;
  readonly #systems = new Map<string, HostedSystem>();
  readonly #starting = new Map<string, Promise<HostedSystem>>();
  /** Which systems there are besides the default one. */
  #others: Records<true> | undefined;
  #isStopping = false;

  constructor(options: ActorSystemsOptions) {
    this.#options = options;
  }

  get defaultSystem(): string {
    return this.#options.defaultSystem;
  }

  /** The system of that name, started if it is not there. @throws {SpawnError} */
  open(name: string): Promise<HostedSystem> {
    const system = this.#systems.get(name);
    if (system !== undefined) return Promise.resolve(system);
    const starting = this.#starting.get(name) ?? this.#start(name);
    this.#starting.set(name, starting);
    return starting.finally(() => this.#starting.delete(name));
  }

  async #start(name: string): Promise<HostedSystem> {
    checkName("system", name);
    if (this.#isStopping) throw new SpawnError("SHUTTING_DOWN", "the proxy is stopping");
    if (this.#systems.size + this.#starting.size >= SYSTEMS_MAX) {
      throw new SpawnError("OVERLOADED", `a proxy has at most ${SYSTEMS_MAX} actor systems`);
    }
    const { openStore, hosts, log, defaultSystem, ...options } = this.#options;
    const store = openStore(name);
    const system = new HostedSystem(name, {
      ...options,
      store,
      directory: this,
      findSystem: (other): Engine | undefined => this.#systems.get(other)?.engine,
    });
    const refused = await system.start(hosts);
    for (const { name: actor, error } of refused) {
      log("warning", "registration-not-restored", { system: name, actor, error: String(error) });
    }
    if (name === defaultSystem) this.#others = new Records(system.engine, store, "<systems>");
    else await this.#others?.put(name, true);
    this.#systems.set(name, system);
    return system;
  }

  /** Starts the default system, and all that hosts have registered before. @throws {SpawnError} */
  async start(): Promise<void> {
    await this.open(this.defaultSystem);
    for (const name of (await this.#others?.names()) ?? []) await this.open(name);
  }

  /** The system of that name, if it is here. */
  get(name: string): HostedSystem | undefined {
    return this.#systems.get(name);
  }

  async find(target: WireTarget): Promise<ActorId | undefined> {
    return await this.#systems.get(target.system)?.find(target);
  }

  /** Calls an action of an actor of any system here. @throws {SpawnError} */
  async call(call: HostedCall): Promise<unknown> {
    const system = this.#systems.get(call.target.system);
    if (system === undefined) throw notFound(call.target);
    return await system.call(call);
  }

  /** Lets what is queued run, commits, and closes the statestores. */
  async stop(options: { readonly drainTimeoutMs: number }): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#starting.values());
    await Promise.all([...this.#systems.values()].map(({ engine }) => engine.stop(options)));
  }
}

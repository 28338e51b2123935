/** The actor systems of a proxy: the one that it is configured for, and others that hosts register. */
import { SpawnError, checkName } from "spawn-mesh/engine";
import type { ActorId, Engine } from "spawn-mesh/engine";
import type { Directory, WireTarget } from "./directory.ts";
import { besideKey } from "../beside-key.ts";
import { findExisting, notFound } from "./directory.ts";
import { HostedSystem } from "./hosted-system.ts";
import type { HostedCall, HostedSystemOptions } from "./hosted-system.ts";
import type { Observer, RegisteredNames } from "../observability/observer.ts";
import type { SystemLoad } from "../observability/proxy-metrics.ts";
import type { GuardedCall } from "../security/guard.ts";
import type { RunAtHost } from "./runs-at-hosts.ts";
import { Records } from "./records.ts";
import type { ActorHosts } from "../host/actor-hosts.ts";
import type { Log } from "../observability/log.ts";

/** Systems of one proxy. Each has an engine and a statestore of its own, which take some 15 MB together. */
const SYSTEMS_MAX = 8;

const NOT_REGISTERED: RegisteredNames = { system: "", actor: "", action: "" };

/** A call that comes from outside. */
export interface ClientCall extends Omit<HostedCall, "caller">, Omit<GuardedCall, "running"> {
  /** The run of an action that makes it, if the request names one. */
  readonly run: RunAtHost | undefined;
}

/** What all systems have in common, and how the statestore of each is opened. */
export interface ActorSystemsOptions extends Pick<
  HostedSystemOptions,
  "limits" | "durability" | "clearsTags" | "onEvent" | "guard"
> {
  /** The system of whoever names none. */
  readonly defaultSystem: string;
  readonly observer: Observer;
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

  /** The system of that name. @throws {SpawnError} `ACTOR_NOT_FOUND` if it is not here */
  existing(name: string): HostedSystem {
    const system = this.#systems.get(name);
    if (system !== undefined) return system;
    throw new SpawnError(
      "ACTOR_NOT_FOUND",
      `there is no actor system ${JSON.stringify(name.slice(0, 100))} here`,
    );
  }

  async find(target: WireTarget): Promise<ActorId | undefined> {
    return await this.#systems.get(target.system)?.find(target);
  }

  checkSend(source: ActorId, action: string): void {
    this.#options.guard.checkSend(source, action);
  }

  /** How much there is to do in each system, now. */
  get loads(): readonly SystemLoad[] {
    return [...this.#systems.values()].map(({ name, engine }) => ({
      system: name,
      ...engine.load,
    }));
  }

  /** Calls an action of an actor of any system here, if that may be. @throws {SpawnError} */
  call(call: ClientCall): Promise<unknown> {
    const { target, action, options, claimed } = call;
    const observed = {
      ...target,
      action,
      options,
      from: call.run?.context.self.name ?? claimed?.name,
      registered: () =>
        this.#systems.get(target.system)?.registeredNames(target, action) ?? NOT_REGISTERED,
    };
    return this.#options.observer.invocation(observed, (inTrace) =>
      this.#call({ ...call, options: inTrace }),
    );
  }

  /** Lets a request in that is made in nobody's name. @throws {SpawnError} `UNAUTHORIZED` */
  admit(request: Pick<GuardedCall, "identity" | "action">): void {
    this.#options.guard.admitUnclaimed({ ...request, running: undefined });
  }

  #call({ identity, claimed, run, ...call }: ClientCall): Promise<unknown> {
    const { guard } = this.#options;
    const { options } = call;
    const request = { identity, running: run?.context.self, action: call.action };
    const callAs = (caller: ActorId | undefined): Promise<unknown> => {
      if (run !== undefined) return this.#callFrom(run, call);
      return besideKey(options, () => this.#systemOf(call.target)).call({ ...call, caller });
    };
    if (claimed === undefined) {
      return callAs(besideKey(options, () => guard.admitUnclaimed(request)));
    }
    const find = (target: WireTarget): Promise<ActorId | undefined> => this.find(target);
    return besideKey(options, () => guard.admit({ ...request, claimed }, find)).then(callAs);
  }

  #systemOf(target: WireTarget): HostedSystem {
    const system = this.#systems.get(target.system);
    if (system === undefined) throw notFound(target);
    return system;
  }

  /** A call that an action makes which a host is running. */
  async #callFrom(
    run: RunAtHost,
    { target, action, payload, options }: Omit<HostedCall, "caller">,
  ): Promise<unknown> {
    const { system, definition, name } = await besideKey(options, () => findExisting(this, target));
    const request = { ...options, system, definition, action, payload };
    return await run.call(() => run.context.invoke(name, request));
  }

  /** Lets what is queued run, commits, and closes the statestores. */
  async stop(options: { readonly drainTimeoutMs: number }): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#starting.values());
    await Promise.all([...this.#systems.values()].map(({ engine }) => engine.stop(options)));
  }
}

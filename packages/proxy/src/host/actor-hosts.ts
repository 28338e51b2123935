/** The hosts of a proxy, by where they listen. */
import { SpawnError } from "spawn-mesh/engine";
import type { ServiceInfo } from "spawn-mesh/protocol";
import { ActorHost } from "./actor-host.ts";
import type { ActorHostOptions } from "./actor-host.ts";
import { StreamHost } from "../stream/stream-host.ts";
import type { HostAddress } from "./host-connection.ts";
import type { HostPlace, HostProgram } from "./host-program.ts";

/** Hosts that are known; beyond it the one is forgotten that has registered first. One with a stream stays. */
const HOSTS_MAX = 256;

export interface ActorHostsOptions extends ActorHostOptions {
  /** Where a host listens that nothing else is known of. */
  readonly address: HostAddress;
  /** Where hosts listen, by a name that they give in their registration. */
  readonly named: ReadonlyMap<string, HostAddress>;
}

export class ActorHosts {
  readonly #options: ActorHostsOptions;
  readonly #hosts = new Map<string, ActorHost | StreamHost>();

  constructor(options: ActorHostsOptions) {
    this.#options = options;
  }

  /**
   * The host that registers.
   *
   * @param port the port that the request itself names, if it does
   * @throws {SpawnError} `INVALID_ARGUMENT`
   */
  of(info: ServiceInfo, port: string | undefined): HostProgram {
    return this.at(this.#addressOf(info, port));
  }

  /** The host that is found there. */
  at(place: HostPlace): HostProgram {
    return "stream" in place ? this.withStream(place.stream) : this.#listeningAt(place);
  }

  /** The host that opens streams under that name. */
  withStream(name: string): StreamHost {
    const found = this.#hosts.get(name);
    const host = found instanceof StreamHost ? found : new StreamHost(name, this.#options);
    this.#remember(name, host);
    return host;
  }

  #listeningAt(address: HostAddress): ActorHost {
    const key = `${address.host} ${address.port}`;
    const found = this.#hosts.get(key);
    const host = found instanceof ActorHost ? found : new ActorHost(address, this.#options);
    this.#remember(key, host);
    return host;
  }

  /** The one that was asked for last is the last that is forgotten. */
  #remember(key: string, host: ActorHost | StreamHost): void {
    this.#hosts.delete(key);
    this.#hosts.set(key, host);
    if (this.#hosts.size > HOSTS_MAX) this.#forgetOldest();
  }

  /**
   * A program may listen elsewhere each time that it starts. Actors that still have the host keep it. One
   * whose stream is open is reached by it and by nothing else, and registers no second time.
   */
  #forgetOldest(): void {
    for (const [key, host] of this.#hosts) {
      if (host instanceof StreamHost && !host.isGone) continue;
      this.#hosts.delete(key);
      return host.close();
    }
  }

  close(): void {
    for (const host of this.#hosts.values()) host.close();
  }

  #addressOf(info: ServiceInfo, port: string | undefined): HostAddress {
    const { address, named } = this.#options;
    if (port !== undefined) return { host: address.host, port: portOf(port) };
    const names = [info.serviceName, info.serviceRuntime, info.supportLibraryName];
    const found = names.map((name) => named.get(name)).find((one) => one !== undefined);
    return found ?? address;
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `spawn-host-port: expected a port from 1 to 65535, got ${JSON.stringify(text.slice(0, 20))}`,
  );
}

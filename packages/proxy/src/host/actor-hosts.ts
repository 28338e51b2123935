/** The hosts of a proxy, by where they listen. */
import { SpawnError } from "spawn-mesh/engine";
import type { ServiceInfo } from "spawn-mesh/protocol";
import { ActorHost } from "./actor-host.ts";
import type { HostLimits } from "./actor-host.ts";
import type { HostAddress } from "./host-connection.ts";

/** Hosts of one proxy. */
const HOSTS_MAX = 256;

export interface ActorHostsOptions extends HostLimits {
  /** Where a host listens that nothing else is known of. */
  readonly address: HostAddress;
  /** Where hosts listen, by a name that they give in their registration. */
  readonly named: ReadonlyMap<string, HostAddress>;
}

export class ActorHosts {
  readonly #options: ActorHostsOptions;
  readonly #hosts = new Map<string, ActorHost>();

  constructor(options: ActorHostsOptions) {
    this.#options = options;
  }

  /**
   * The host that registers.
   *
   * @param port the port that the request itself names, if it does
   * @throws {SpawnError} `INVALID_ARGUMENT`, `OVERLOADED`
   */
  of(info: ServiceInfo, port: string | undefined): ActorHost {
    const address = this.#addressOf(info, port);
    const key = `${address.host} ${address.port}`;
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    if (this.#hosts.size >= HOSTS_MAX) {
      throw new SpawnError("OVERLOADED", `a proxy has at most ${HOSTS_MAX} hosts`);
    }
    const host = new ActorHost(address, this.#options);
    this.#hosts.set(key, host);
    return host;
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

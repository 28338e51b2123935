/**
 * The configuration of a proxy, from the environment. This is the only file that reads it.
 *
 * Variables that the original Spawn has keep their names; ours begin with `SPAWN_`. A variable that is
 * empty counts as not set. A value that makes no sense is refused at the start.
 */
import { SpawnError, defaultLimits } from "spawn-mesh/engine";
import type { Durability } from "spawn-mesh/engine";
import type { Encryption } from "spawn-mesh/encryption";
import { keyFile } from "spawn-mesh/encryption";
import { grpcConfigOf, servesServices } from "./grpc/grpc-config.ts";
import type { GrpcConfig } from "./grpc/grpc-config.ts";
import type { HostAddress } from "./host/host-connection.ts";
import { LOG_LEVELS } from "./observability/log.ts";
import type { LogLevel } from "./observability/log.ts";
import { telemetryConfigOf } from "./observability/telemetry-config.ts";
import type { TelemetryConfig } from "./observability/telemetry-config.ts";
import { checkReach, securityConfigOf } from "./security/security-config.ts";
import type { SecurityConfig } from "./security/security-config.ts";
import { storeConfigOf } from "./store-config.ts";
import type { StoreConfig } from "./store-config.ts";
import { Variables, refused } from "./variables.ts";
import type { Environment } from "./variables.ts";

/** Where the proxy listens: an address, or a Unix socket instead. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  /** Only who may read and write the file can connect; `mode` says who that is, default 0600. */
  | { readonly path: string; readonly mode?: number };

/** Everything that can be said about a proxy, checked. */
export interface ProxyConfig {
  /** The actor system of whoever names none. */
  readonly system: string;
  readonly listen: ListenAddress;
  /** Where hosts listen that do not say it. */
  readonly host: HostAddress;
  /** Where hosts listen that are told apart by what their registration says of them. */
  readonly namedHosts: ReadonlyMap<string, HostAddress>;
  /** Connections to one host at once. */
  readonly hostConnectionsMax: number;
  /** For how long an idle connection to a host is kept, in milliseconds. */
  readonly hostIdleMsMax: number;
  /** The largest body of a request or answer, in bytes. */
  readonly bodyBytesMax: number;
  /** How long a request may take to come, and its answer to be read, in milliseconds. */
  readonly transferMsMax: number;
  readonly store: StoreConfig;
  readonly encryption: Encryption | undefined;
  readonly durability: Durability;
  readonly clearsTags: boolean;
  /** Time for what is queued when the proxy is told to end, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** For how long a message waits for an actor that nobody has registered, in milliseconds. */
  readonly absentTargetMsMax: number;
  /** How often a message is tried before it is parked. */
  readonly messageAttemptsMax: number;
  /** Services of actors; undefined: none are served. */
  readonly grpc: GrpcConfig | undefined;
  readonly logLevel: LogLevel;
  readonly security: SecurityConfig;
  readonly telemetry: TelemetryConfig;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * Reads the configuration.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` naming the variable, what was expected and what came
 */
export function readConfig(environment: Environment = process.env): ProxyConfig {
  const read = new Variables(environment);
  const { absentTargetMsMax, messageAttemptsMax } = defaultLimits;
  const config: ProxyConfig = {
    system: read.text("PROXY_ACTOR_SYSTEM_NAME", "spawn-system"),
    listen: listenAddressOf(read),
    host: {
      host: connectable(read.text("USER_FUNCTION_HOST", "127.0.0.1")),
      port: read.port("USER_FUNCTION_PORT", 8090),
    },
    namedHosts: namedHostsOf(read),
    hostConnectionsMax: read.whole("PROXY_HTTP_CLIENT_ADAPTER_POOL_SIZE", 256, [1, 65_535]),
    hostIdleMsMax: read.whole("PROXY_HTTP_CLIENT_ADAPTER_POOL_MAX_IDLE_TIMEOUT", 1_000, [1, 4_000]),
    bodyBytesMax: read.whole("SPAWN_BODY_BYTES_MAX", 8_000_000, [1_024, 64 * 1024 * 1024]),
    transferMsMax: read.whole("SPAWN_TRANSFER_TIMEOUT_MS", 60_000, [1_000, 600_000]),
    store: storeConfigOf(read),
    encryption: encryptionOf(read),
    durability: read.oneOf("SPAWN_DURABILITY", ["durable", "write-behind"], "durable"),
    clearsTags: read.oneOf("SPAWN_EMPTY_TAGS", ["keep", "clear"], "keep") === "clear",
    drainTimeoutMs: read.whole("SPAWN_DRAIN_TIMEOUT_MS", 10_000, [0, 600_000]),
    absentTargetMsMax: read.whole("SPAWN_UNREGISTERED_WAIT_MS", absentTargetMsMax, [
      1,
      366 * DAY_MS,
    ]),
    messageAttemptsMax: read.whole("SPAWN_MESSAGE_ATTEMPTS", messageAttemptsMax, [1, 1_000]),
    grpc: grpcConfigOf(read),
    logLevel: read.oneOf("SPAWN_PROXY_LOGGER_LEVEL", LOG_LEVELS, "info"),
    security: securityConfigOf(read),
    telemetry: telemetryConfigOf(read),
  };
  if ("host" in config.listen) checkReach(config.listen.host, config.security);
  if (servesServices(config.grpc)) checkReach(config.grpc.host, config.security);
  return Object.freeze(config);
}

function listenAddressOf(read: Variables): ListenAddress {
  const path = read.text("PROXY_UDS_ADDRESS", "/var/run/spawn.sock");
  if (read.flag("PROXY_UDS_ENABLED", false)) return { path, mode: socketModeOf(read) };
  const host = read.text("PROXY_HOST_INTERFACE", "127.0.0.1");
  return { host, port: read.port("PROXY_HTTP_PORT", 9001) };
}

function socketModeOf(read: Variables): number {
  const mode = read.text("SPAWN_UDS_MODE", "600");
  if (/^0?[0-7]{3}$/.test(mode)) return Number.parseInt(mode, 8);
  throw refused("SPAWN_UDS_MODE", "three octal digits", mode);
}

/** `python=127.0.0.1:8091,java=8092`. */
function namedHostsOf(read: Variables): ReadonlyMap<string, HostAddress> {
  const list = read.find("SPAWN_HOSTS");
  const hosts = new Map<string, HostAddress>();
  for (const entry of list?.split(",") ?? []) {
    const matched = /^\s*([^=\s]+)\s*=\s*(?:(.+):)?(\d{1,5})\s*$/.exec(entry);
    const port = Number(matched?.[3]);
    if (matched === null || port < 1 || port > 65_535) {
      throw refused("SPAWN_HOSTS", "NAME=HOST:PORT or NAME=PORT, with commas between them", entry);
    }
    hosts.set(matched[1]!, { host: connectable(matched[2] ?? "127.0.0.1"), port });
  }
  return hosts;
}

/** The address of all interfaces is none that can be connected to everywhere. */
function connectable(host: string): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host.replace(/^\[(.*)\]$/, "$1");
}

function encryptionOf(read: Variables): Encryption | undefined {
  const key = read.find("SPAWN_STATESTORE_KEY");
  const file = read.find("SPAWN_STATESTORE_KEY_FILE");
  if (key !== undefined && file !== undefined) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "SPAWN_STATESTORE_KEY_FILE: expected it or SPAWN_STATESTORE_KEY, got both",
    );
  }
  if (file !== undefined) return keyFile(file);
  if (key === undefined) return undefined;
  if (Buffer.from(key, "base64").length !== 32) {
    // What came may be the key itself, cut off.
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `SPAWN_STATESTORE_KEY: expected 32 bytes as base64 (openssl rand -base64 32), got ${key.length} characters that are not`,
    );
  }
  return { keys: { spawn: key } };
}

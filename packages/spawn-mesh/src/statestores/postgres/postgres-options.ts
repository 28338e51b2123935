/** What a PostgreSQL statestore is told, checked, and as the driver wants it. */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { SpawnError } from "../../engine/errors.ts";
import {
  ANSWER_GRACE_MS,
  type ConnectionLimits,
  resolveConnectionLimits,
} from "../sql/connection-limits.ts";
import { parseUrl } from "../sql/database-url.ts";
import { type TlsMaterial, tlsOptions } from "../sql/tls-material.ts";

/** A PostgreSQL database, and how to use it. */
export interface PostgresStatestoreOptions extends ConnectionLimits {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Parameters: `sslmode` (`disable`, the default;
   * `require`, `verify-ca` and `verify-full`, which all verify the server; `no-verify`, which encrypts
   * and trusts anybody), `application_name`, and `options` for the server, such as
   * `-c search_path=actors`.
   */
  readonly url: string;
  /** Certificates. Giving any asks for TLS. */
  readonly tls?: TlsMaterial | undefined;
}

/** Options of a pool of `pg`. */
interface PgPoolOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | (() => never);
  readonly database: string;
  readonly application_name: string;
  readonly options: string | undefined;
  readonly ssl: TlsOptions | false;
  readonly max: number;
  readonly connectionTimeoutMillis: number;
  readonly query_timeout: number;
  readonly keepAlive: true;
  readonly pipeline: true;
  readonly allowExitOnIdle: true;
}

const sslModes: Readonly<Record<string, "off" | "verified" | "unverified">> = {
  disable: "off",
  require: "verified",
  "verify-ca": "verified",
  "verify-full": "verified",
  "no-verify": "unverified",
};

export interface ResolvedPostgres {
  readonly pool: PgPoolOptions;
  /** For messages: no password in it. */
  readonly address: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

/**
 * @param port when the address has none
 * @throws {SpawnError} `INVALID_ARGUMENT`
 */
export function resolvePostgres(
  options: PostgresStatestoreOptions,
  port: number,
): ResolvedPostgres {
  const { tls } = options;
  const { connectionsMax, connectTimeoutMs, statementTimeoutMs, lockTimeoutMs } =
    resolveConnectionLimits(options);
  const url = parseUrl(options.url, {
    schemes: ["postgres", "postgresql"],
    port,
    parameters: ["sslmode", "application_name", "options"],
  });
  return {
    pool: {
      host: url.host,
      port: url.port,
      user: url.user,
      password: url.password === "" ? noPassword : url.password,
      database: url.database,
      application_name: url.parameters.get("application_name") ?? "spawn-mesh",
      options: url.parameters.get("options") ?? undefined,
      ssl: tlsOptions(sslModeOf(url.parameters.get("sslmode")), { host: url.host, material: tls }),
      max: connectionsMax,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
      keepAlive: true,
      pipeline: true,
      allowExitOnIdle: true,
    },
    address: url.address,
    statementTimeoutMs,
    lockTimeoutMs,
  };
}

/** Asked only when the server wants one. Without it the driver would look in its environment. */
function noPassword(): never {
  throw new Error("the server wants a password, and the address has none");
}

function sslModeOf(mode: string | undefined): "off" | "verified" | "unverified" | undefined {
  if (mode === undefined) return undefined;
  const known = Object.hasOwn(sslModes, mode) ? sslModes[mode] : undefined;
  if (known !== undefined) return known;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `sslmode: expected one of ${Object.keys(sslModes).join(", ")}, got ${JSON.stringify(mode)}`,
  );
}

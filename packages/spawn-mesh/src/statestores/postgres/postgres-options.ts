/** What a PostgreSQL statestore is told, checked, and as the driver wants it. */
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { SpawnError } from "../../engine/errors.ts";
import { checkWholeNumber, TIMEOUT_MS_MAX } from "../../engine/limits.ts";
import { parseUrl } from "../sql/database-url.ts";
import { type TlsMaterial, tlsOptions } from "../sql/tls-material.ts";

/** A PostgreSQL database, and how to use it. */
export interface PostgresStatestoreOptions {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Parameters: `sslmode` (`disable`, the default;
   * `require`, `verify-ca` and `verify-full`, which all verify the server; `no-verify`, which encrypts
   * and trusts anybody), `application_name`, and `options` for the server, such as
   * `-c search_path=actors`.
   */
  readonly url: string;
  /** Connections at once. Default 8. */
  readonly connectionsMax?: number;
  /** How long to wait for a connection, in milliseconds. Default 5 000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take, in milliseconds. Default 10 000. */
  readonly statementTimeoutMs?: number;
  /** How long a statement may wait for a lock of somebody else, in milliseconds. Default 5 000. */
  readonly lockTimeoutMs?: number;
  /** Certificates. Giving any asks for TLS. */
  readonly tls?: TlsMaterial;
}

/** Options of a pool of `pg`. */
interface PgPoolOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
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

const CONNECTIONS_MAX = 8;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
/** How much longer than the server we wait for its word that the time is over. */
const ANSWER_GRACE_MS = 2_000;
const DEFAULT_PORT = 5432;

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

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function resolvePostgres(options: PostgresStatestoreOptions): ResolvedPostgres {
  const {
    connectionsMax = CONNECTIONS_MAX,
    connectTimeoutMs = CONNECT_TIMEOUT_MS,
    statementTimeoutMs = STATEMENT_TIMEOUT_MS,
    lockTimeoutMs = LOCK_TIMEOUT_MS,
    tls,
  } = options;
  checkWholeNumber("connectionsMax", connectionsMax, { min: 1 });
  checkWholeNumber("connectTimeoutMs", connectTimeoutMs, { min: 1, max: TIMEOUT_MS_MAX });
  checkWholeNumber("statementTimeoutMs", statementTimeoutMs, { min: 1, max: TIMEOUT_MS_MAX });
  checkWholeNumber("lockTimeoutMs", lockTimeoutMs, { min: 1, max: TIMEOUT_MS_MAX });
  const url = parseUrl(options.url, {
    schemes: ["postgres", "postgresql"],
    port: DEFAULT_PORT,
    parameters: ["sslmode", "application_name", "options"],
  });
  return {
    pool: {
      host: url.host,
      port: url.port,
      user: url.user,
      password: url.password,
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

function sslModeOf(mode: string | undefined): "off" | "verified" | "unverified" | undefined {
  if (mode === undefined) return undefined;
  const known = Object.hasOwn(sslModes, mode) ? sslModes[mode] : undefined;
  if (known !== undefined) return known;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `sslmode: expected one of ${Object.keys(sslModes).join(", ")}, got ${JSON.stringify(mode)}`,
  );
}

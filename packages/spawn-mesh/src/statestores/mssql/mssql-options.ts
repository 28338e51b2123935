/** What a SQL Server statestore is told, checked, and as the driver wants it. */
import { SpawnError } from "../../engine/errors.ts";
import { type ConnectionLimits, resolveConnectionLimits } from "../sql/connection-limits.ts";
import { parseUrl } from "../sql/database-url.ts";
import { type TlsMaterial, tlsOptions } from "../sql/tls-material.ts";
import type { BatchSettings } from "./mssql-batch.ts";

/** A SQL Server database, and how to use it. */
export interface MssqlStatestoreOptions extends ConnectionLimits {
  /**
   * `mssql://USER:PASSWORD@HOST:PORT/DATABASE`, or `sqlserver://…`. Parameter: `encrypt` (`false`, the
   * default; `true` and `strict`, which both verify the server; `no-verify`, which encrypts and trusts
   * anybody).
   */
  readonly url: string;
  /** Certificates. Giving any asks for TLS. */
  readonly tls?: TlsMaterial | undefined;
}

const DEFAULT_PORT = 1433;
/** A connection that nobody uses keeps the process alive until it is closed, in milliseconds. */
const IDLE_MS_MAX = 5_000;

const encryptions: Readonly<Record<string, "off" | "verified" | "unverified">> = {
  false: "off",
  true: "verified",
  strict: "verified",
  "no-verify": "unverified",
};

/** Options of a pool of `mssql`. */
interface MssqlPoolOptions {
  readonly server: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly pool: Readonly<Record<string, number>>;
  readonly options: {
    readonly appName: string;
    readonly encrypt: boolean | "strict";
    readonly trustServerCertificate: boolean;
    readonly serverName?: string;
    readonly cryptoCredentialsDetails?: Pick<TlsMaterial, "ca" | "cert" | "key">;
  };
}

export interface ResolvedMssql {
  readonly config: MssqlPoolOptions;
  /** For messages: no password in it. */
  readonly address: string;
  readonly connectionsMax: number;
  readonly settings: BatchSettings;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function resolveMssql(options: MssqlStatestoreOptions): ResolvedMssql {
  const { tls } = options;
  const { connectionsMax, connectTimeoutMs, statementTimeoutMs, lockTimeoutMs } =
    resolveConnectionLimits(options);
  const { host, port, user, password, database, parameters, address } = parseUrl(options.url, {
    schemes: ["mssql", "sqlserver"],
    port: DEFAULT_PORT,
    parameters: ["encrypt"],
  });
  const encrypt = parameters.get("encrypt")?.toLowerCase();
  const secured = tlsOptions(encryptionOf(encrypt), { host, material: tls });
  return {
    address,
    connectionsMax,
    config: {
      server: host,
      port,
      user,
      password,
      database,
      connectionTimeout: connectTimeoutMs,
      requestTimeout: statementTimeoutMs,
      pool: {
        min: 0,
        max: connectionsMax,
        acquireTimeoutMillis: connectTimeoutMs,
        createTimeoutMillis: connectTimeoutMs,
        idleTimeoutMillis: IDLE_MS_MAX,
      },
      options: {
        appName: "spawn-mesh",
        encrypt: secured !== false && (encrypt === "strict" ? "strict" : true),
        trustServerCertificate: secured !== false && secured.rejectUnauthorized === false,
        ...(secured !== false && {
          ...(secured.servername !== undefined && { serverName: secured.servername }),
          cryptoCredentialsDetails: certificatesOf(tls),
        }),
      },
    },
    settings: { lockTimeoutMs },
  };
}

function certificatesOf(tls: TlsMaterial = {}): Pick<TlsMaterial, "ca" | "cert" | "key"> {
  const { serverName: _, ...certificates } = tls;
  return certificates;
}

function encryptionOf(value: string | undefined): "off" | "verified" | "unverified" | undefined {
  if (value === undefined) return undefined;
  const known = Object.hasOwn(encryptions, value) ? encryptions[value] : undefined;
  if (known !== undefined) return known;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `encrypt: expected one of ${Object.keys(encryptions).join(", ")}, got ${JSON.stringify(value)}`,
  );
}

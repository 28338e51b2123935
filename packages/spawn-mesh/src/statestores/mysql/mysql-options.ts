/** What a MySQL or MariaDB statestore is told, checked, and as the driver wants it. */
import { connect, isIP, type Socket } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { SpawnError } from "../../engine/errors.ts";
import {
  ANSWER_GRACE_MS,
  type ConnectionLimits,
  resolveConnectionLimits,
} from "../sql/connection-limits.ts";
import { parseUrl } from "../sql/database-url.ts";
import { type TlsMaterial, tlsOptions } from "../sql/tls-material.ts";
import type { MysqlSession } from "./mysql-driver.ts";

/** A MySQL or MariaDB database, and how to use it. */
export interface MysqlStatestoreOptions extends ConnectionLimits {
  /**
   * `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, or `mariadb://…`. Parameter: `ssl-mode` (`DISABLED`,
   * the default; `REQUIRED`, `VERIFY_CA` and `VERIFY_IDENTITY`, which all verify the server;
   * `NO_VERIFY`, which encrypts and trusts anybody).
   */
  readonly url: string;
  /** Certificates. Giving any asks for TLS. */
  readonly tls?: TlsMaterial | undefined;
}

const DEFAULT_PORT = 3306;

const sslModes: Readonly<Record<string, "off" | "verified" | "unverified">> = {
  DISABLED: "off",
  REQUIRED: "verified",
  VERIFY_CA: "verified",
  VERIFY_IDENTITY: "verified",
  NO_VERIFY: "unverified",
};

/** Options of a pool of `mysql2`. */
interface MysqlPoolOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl?: TlsOptions & { readonly verifyIdentity: boolean };
  readonly stream?: () => Socket;
  readonly connectionLimit: number;
  readonly connectTimeout: number;
  readonly multipleStatements: true;
  readonly rowsAsArray: true;
  readonly queryFormat: (statement: string) => string;
  readonly flags: string[];
  readonly charset: string;
  readonly enableKeepAlive: true;
}

export interface ResolvedMysql {
  readonly pool: MysqlPoolOptions;
  /** For messages: no password in it. */
  readonly address: string;
  readonly session: MysqlSession;
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function resolveMysql(options: MysqlStatestoreOptions): ResolvedMysql {
  const { tls } = options;
  const { connectionsMax, connectTimeoutMs, statementTimeoutMs, lockTimeoutMs } =
    resolveConnectionLimits(options);
  const { host, port, user, password, database, parameters, address } = parseUrl(options.url, {
    schemes: ["mysql", "mariadb"],
    port: DEFAULT_PORT,
    parameters: ["ssl-mode"],
  });
  const ssl = tlsOptions(sslModeOf(parameters.get("ssl-mode")), { host, material: tls });
  const verified = verifiedName(tls?.serverName ?? host);
  return {
    address,
    pool: {
      // The driver verifies the name of the host that it is told.
      ...(ssl === false || verified === host
        ? { host }
        : { host: verified, stream: () => connect(port, host) }),
      port,
      user,
      password,
      database,
      ...(ssl !== false && { ssl: { ...ssl, verifyIdentity: ssl.rejectUnauthorized === true } }),
      connectionLimit: connectionsMax,
      connectTimeout: connectTimeoutMs,
      multipleStatements: true,
      rowsAsArray: true,
      // Values are in it already: nothing has to be looked for.
      queryFormat: (statement) => statement,
      // An update counts when it changes a row, and an insert that leaves a row as it is does not.
      flags: ["-FOUND_ROWS"],
      charset: "utf8mb4",
      enableKeepAlive: true,
    },
    session: {
      settings: [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ANSI_QUOTES'",
        `SET SESSION innodb_lock_wait_timeout = ${Math.ceil(lockTimeoutMs / 1_000)}`,
        // MySQL has no such limit for statements that write; there the wait for the answer ends.
        `/*M! SET SESSION max_statement_time = ${statementTimeoutMs / 1_000} */`,
      ].join("; "),
      connectTimeoutMs,
      answerTimeoutMs: statementTimeoutMs + ANSWER_GRACE_MS,
    },
  };
}

/**
 * What the driver is told to verify. Of a number it would verify `localhost` instead; with a dot at the end,
 * as a full name has one, it verifies the number.
 */
function verifiedName(serverName: string): string {
  return isIP(serverName) === 0 ? serverName : `${serverName}.`;
}

function sslModeOf(mode: string | undefined): "off" | "verified" | "unverified" | undefined {
  if (mode === undefined) return undefined;
  const known = Object.hasOwn(sslModes, mode.toUpperCase())
    ? sslModes[mode.toUpperCase()]
    : undefined;
  if (known !== undefined) return known;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `ssl-mode: expected one of ${Object.keys(sslModes).join(", ")}, got ${JSON.stringify(mode)}`,
  );
}

/** What a MySQL or MariaDB statestore is told, checked, and as the driver wants it. */
import { connect, type Socket } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { SpawnError } from "../../engine/errors.ts";
import { checkWholeNumber, TIMEOUT_MS_MAX } from "../../engine/limits.ts";
import { parseUrl } from "../sql/database-url.ts";
import { type TlsMaterial, tlsOptions } from "../sql/tls-material.ts";
import type { MysqlSession } from "./mysql-driver.ts";

/** A MySQL or MariaDB database, and how to use it. */
export interface MysqlStatestoreOptions {
  /**
   * `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, or `mariadb://…`. Parameter: `ssl-mode` (`DISABLED`,
   * the default; `REQUIRED`, `VERIFY_CA` and `VERIFY_IDENTITY`, which all verify the server;
   * `NO_VERIFY`, which encrypts and trusts anybody).
   */
  readonly url: string;
  /** Connections at once. Default 8. */
  readonly connectionsMax?: number;
  /** How long to wait for a connection, in milliseconds. Default 5 000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take, in milliseconds. Default 10 000. */
  readonly statementTimeoutMs?: number;
  /** How long a statement may wait for a lock of somebody else, in milliseconds; rounded up to seconds. Default 5 000. */
  readonly lockTimeoutMs?: number;
  /** Certificates. Giving any asks for TLS. */
  readonly tls?: TlsMaterial;
}

const CONNECTIONS_MAX = 8;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
/** How much longer than the server we wait for its word that the time is over. */
const ANSWER_GRACE_MS = 2_000;
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
  const { host, port, user, password, database, parameters, address } = parseUrl(options.url, {
    schemes: ["mysql", "mariadb"],
    port: DEFAULT_PORT,
    parameters: ["ssl-mode"],
  });
  const ssl = tlsOptions(sslModeOf(parameters.get("ssl-mode")), { host, material: tls });
  const serverName = tls?.serverName;
  return {
    address,
    pool: {
      // The driver verifies the name of the host that it is told.
      ...(serverName === undefined
        ? { host }
        : { host: serverName, stream: () => connect(port, host) }),
      port,
      user,
      password,
      database,
      ...(ssl !== false && { ssl: { ...ssl, verifyIdentity: ssl.rejectUnauthorized === true } }),
      connectionLimit: connectionsMax,
      connectTimeout: connectTimeoutMs,
      multipleStatements: true,
      rowsAsArray: true,
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
      answerTimeoutMs: statementTimeoutMs + ANSWER_GRACE_MS,
    },
  };
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

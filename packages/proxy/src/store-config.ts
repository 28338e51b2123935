/** Where the actors are kept, from the variables that Spawn has for its databases. */
import { encryptedStatestore } from "spawn-mesh/encryption";
import type { Encryption } from "spawn-mesh/encryption";
import type { Statestore } from "spawn-mesh/engine";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { statestoreFromUrl } from "spawn-mesh/statestores";
import { dirname } from "node:path";
import { mkdirSync } from "node:fs";
import { refused } from "./variables.ts";
import type { Variables } from "./variables.ts";

export type StoreConfig =
  | { readonly kind: "memory" }
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "server"; readonly url: string; readonly connectionsMax: number };

const DATABASE = "eigr-functions-db";
const FILE = ".spawn/state.db";

interface Server {
  readonly scheme: string;
  readonly port: number;
  /** How an address asks for TLS. */
  readonly tls: { readonly verified: string; readonly unverified: string };
}

const postgresTls = { verified: "sslmode=require", unverified: "sslmode=no-verify" };
const mysqlTls = { verified: "ssl-mode=REQUIRED", unverified: "ssl-mode=NO_VERIFY" };
const mssqlTls = { verified: "encrypt=true", unverified: "encrypt=no-verify" };

const servers: Readonly<Record<string, Server>> = {
  postgres: { scheme: "postgres", port: 5432, tls: postgresTls },
  postgresql: { scheme: "postgres", port: 5432, tls: postgresTls },
  cockroachdb: { scheme: "cockroachdb", port: 26_257, tls: postgresTls },
  mysql: { scheme: "mysql", port: 3306, tls: mysqlTls },
  mariadb: { scheme: "mariadb", port: 3306, tls: mysqlTls },
  mssql: { scheme: "mssql", port: 1433, tls: mssqlTls },
};

/** Types that mean a file on this machine; `native` is what the original calls its own. */
const FILES: ReadonlySet<string> = new Set(["sqlite", "native"]);

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function storeConfigOf(read: Variables): StoreConfig {
  const given = read.text("PROXY_DATABASE_TYPE", "sqlite");
  const type = given.toLowerCase();
  if (type === "memory") return { kind: "memory" };
  if (FILES.has(type)) return { kind: "file", file: read.text("PROXY_DATABASE_NAME", FILE) };
  const server = servers[type];
  if (server === undefined) {
    const known = ["memory", ...FILES, ...Object.keys(servers)].join(", ");
    throw refused("PROXY_DATABASE_TYPE", `one of ${known}`, given);
  }
  return {
    kind: "server",
    url: urlOf(server, read),
    connectionsMax: read.whole("PROXY_DATABASE_POOL_SIZE", 8, [1, 1_000]),
  };
}

function urlOf({ scheme, port, tls }: Server, read: Variables): string {
  const user = encodeURIComponent(read.text("PROXY_DATABASE_USERNAME", "admin"));
  const secret = encodeURIComponent(read.text("PROXY_DATABASE_SECRET", "admin"));
  const host = read.text("PROXY_DATABASE_HOST", "127.0.0.1");
  const at = `${host.includes(":") ? `[${host}]` : host}:${read.port("PROXY_DATABASE_PORT", port)}`;
  const name = encodeURIComponent(read.text("PROXY_DATABASE_NAME", DATABASE));
  const isVerified = read.flag("PROXY_DATABASE_SSL_VERIFY", false);
  const options = read.flag("PROXY_DATABASE_SSL", false)
    ? `?${isVerified ? tls.verified : tls.unverified}`
    : "";
  return `${scheme}://${user}:${secret}@${at}/${name}${options}`;
}

/** The statestore of a system: a database serves all of them, a file one. */
export function openStatestore(
  config: StoreConfig,
  encryption: Encryption | undefined,
  system: { readonly name: string; readonly isDefault: boolean },
): Statestore {
  const store = plainStatestore(config, system);
  return encryption === undefined ? store : encryptedStatestore(store, encryption);
}

function plainStatestore(
  config: StoreConfig,
  { name, isDefault }: { readonly name: string; readonly isDefault: boolean },
): Statestore {
  switch (config.kind) {
    case "memory":
      return statestoreFromUrl("memory:");
    case "server":
      return statestoreFromUrl(config.url, { connectionsMax: config.connectionsMax });
    case "file": {
      const file = isDefault ? config.file : `${config.file}.${encodeURIComponent(name)}`;
      mkdirSync(dirname(file), { recursive: true });
      return sqliteStatestore({ file });
    }
  }
}

/** The kinds of servers whose failures are tested alike. */
import { randomBytes } from "node:crypto";
import type { Statestore } from "../../src/engine/statestore.ts";
import {
  actor,
  actorSystem,
  type ActorSystem,
  type ActorSystemOptions,
} from "../../src/sdk/index.ts";
import { mysqlStatestore } from "../../src/statestores/mysql/index.ts";
import { postgresStatestore } from "../../src/statestores/postgres/index.ts";
import type { ConnectionLimits } from "../../src/statestores/sql/connection-limits.ts";
import {
  administerMysql,
  lockActorsOfMysql,
  mariadb,
  MARIADB_PASSWORD,
  startMariadb,
} from "../servers/mariadb.ts";
import {
  administer,
  lockActors,
  postgres,
  POSTGRES_PASSWORD,
  startPostgres,
} from "../servers/postgres.ts";
import type { OwnServer, TestDatabase } from "../servers/test-database.ts";

/** A kind of server, and what is particular to it when something is wrong. */
export interface ServerKind {
  readonly database: TestDatabase;
  readonly start: () => Promise<OwnServer>;
  readonly connect: (options: ConnectionLimits & { readonly url: string }) => Statestore;
  readonly administer: (url: string, statement: string) => Promise<unknown>;
  readonly lockActors: (url: string) => Promise<() => Promise<void>>;
  /** Lets `name`, whose password is `r`, read the tables at `url`, and nothing else. */
  readonly addReader: (server: OwnServer, url: string, name: string) => Promise<unknown>;
  readonly password: string;
  /** How TLS is asked for. */
  readonly tls: readonly [parameter: string, value: string];
  /** What is said of mistakes in the address. */
  readonly reasons: {
    readonly password: RegExp;
    readonly noPassword: RegExp;
    readonly user: RegExp;
    readonly database: RegExp;
    readonly tls: RegExp;
  };
  /** A byte that is no text. */
  readonly noText: string;
  /** An idempotency key that no index takes. */
  readonly longKey: string;
}

export const serverKinds: readonly ServerKind[] = [
  {
    database: postgres,
    start: () => startPostgres(),
    connect: postgresStatestore,
    administer,
    lockActors,
    addReader(server, url, name) {
      const place = /search_path=(\w+)/.exec(new URL(url).searchParams.get("options")!)![1]!;
      return administer(
        server.url,
        `CREATE ROLE ${name} LOGIN PASSWORD 'r'; GRANT USAGE ON SCHEMA ${place} TO ${name};
          GRANT SELECT ON ALL TABLES IN SCHEMA ${place} TO ${name}`,
      );
    },
    password: POSTGRES_PASSWORD,
    tls: ["sslmode", "require"],
    reasons: {
      password: /password authentication failed/,
      noPassword: /the server wants a password, and the address has none/,
      user: /nobody/,
      database: /"none" does not exist/,
      tls: /SSL/,
    },
    noText: "'\\xff'",
    // What repeats itself would be compressed.
    longKey: Array.from({ length: 4_000 }, (_, index) =>
      String.fromCodePoint(0x4e00 + ((index * 48_271) % 20_000)),
    ).join(""),
  },
  {
    database: mariadb,
    start: () => startMariadb(),
    connect: mysqlStatestore,
    administer: administerMysql,
    lockActors: lockActorsOfMysql,
    addReader: (server, url, name) =>
      administerMysql(
        server.url,
        `CREATE USER ${name} IDENTIFIED BY 'r'; GRANT SELECT ON ${new URL(url).pathname.slice(1)}.* TO ${name}`,
      ),
    password: MARIADB_PASSWORD,
    tls: ["ssl-mode", "REQUIRED"],
    reasons: {
      password: /Access denied/,
      noPassword: /Access denied .*password: NO/,
      user: /Access denied/,
      database: /Unknown database/,
      tls: /secure connection/,
    },
    noText: "x'ff'",
    longKey: "k".repeat(4_000),
  },
];

export const counter = actor("counter", {
  kind: "unnamed",
  state: () => ({ total: 0 }),
  actions: {
    add(context, value: number) {
      context.state.total += value;
      return context.state.total;
    },
  },
});

export const encryption = { keys: { key: randomBytes(32) } };

/** Starts a system of counters in the place at `url`. */
export async function startSystem(
  kind: ServerKind,
  url: string,
  options: Partial<ActorSystemOptions> = {},
): Promise<ActorSystem> {
  const statestore = kind.connect({ url, connectionsMax: 3 });
  const system = actorSystem("shop", { actors: [counter], statestore, encryption, ...options });
  await system.start();
  return system;
}

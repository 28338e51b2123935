/**
 * A statestore by its address, so that configuration decides where actors are kept and the program does
 * not change. Drivers are loaded when the statestore is opened, and only the one that is needed.
 */
import { SpawnError } from "../engine/errors.ts";
import { checkOptionNames, nearestName } from "../engine/option-names.ts";
import type { Statestore } from "../engine/statestore.ts";
import { cockroachStatestore } from "./cockroach/index.ts";
import { memoryStatestore } from "./memory/index.ts";
import { mssqlStatestore } from "./mssql/index.ts";
import { mysqlStatestore } from "./mysql/index.ts";
import { postgresStatestore } from "./postgres/index.ts";
import type { TlsMaterial } from "./sql/tls-material.ts";
import { sqliteStatestore } from "./sqlite/index.ts";

export type { TlsMaterial } from "./sql/tls-material.ts";

/** What an address cannot say, or need not. */
export interface StatestoreFromUrlOptions {
  /**
   * The kind of database, in any case: `Sqlite`, `Postgres`, `CockroachDB`, `MySql`, `MariaDB`,
   * `MSSQL`, `memory`. Default: what
   * the address begins with. Giving another kind than that is an error.
   */
  readonly type?: string | undefined;
  /** Connections at once, for databases with a server. Default 8. */
  readonly connectionsMax?: number | undefined;
  /** Certificates, for databases with a server. Giving any asks for TLS. */
  readonly tls?: TlsMaterial | undefined;
}

interface Kind {
  /** Spellings of the type, in small letters. */
  readonly types: readonly string[];
  /** What an address of this kind may begin with. */
  readonly schemes: readonly string[];
  readonly create: (url: string, options: ServerOptions) => Statestore;
}

type ServerOptions = Omit<StatestoreFromUrlOptions, "type">;

const kinds: readonly Kind[] = [
  { types: ["memory"], schemes: ["memory"], create: () => memoryStatestore() },
  {
    types: ["sqlite", "sqlite3"],
    schemes: ["sqlite", "file"],
    create: (url) => sqliteStatestore({ file: fileOf(url) }),
  },
  {
    types: ["postgres", "postgresql"],
    schemes: ["postgres", "postgresql"],
    create: (url, options) => postgresStatestore({ url, ...options }),
  },
  {
    types: ["cockroachdb", "cockroach"],
    schemes: ["cockroachdb", "cockroach", "postgres", "postgresql"],
    create: (url, options) =>
      cockroachStatestore({ url: url.replace(/^cockroach(db)?:/i, "postgres:"), ...options }),
  },
  {
    types: ["mysql"],
    schemes: ["mysql", "mariadb"],
    create: (url, options) => mysqlStatestore({ url, ...options }),
  },
  {
    types: ["mariadb"],
    schemes: ["mariadb", "mysql"],
    create: (url, options) => mysqlStatestore({ url, ...options }),
  },
  {
    types: ["mssql", "sqlserver"],
    schemes: ["mssql", "sqlserver"],
    create: (url, options) => mssqlStatestore({ url, ...options }),
  },
];

/**
 * The statestore at an address: `sqlite:FILE`, `postgres://…`, `cockroachdb://…`, `mysql://…`,
 * `mariadb://…`, `mssql://…`, `sqlserver://…` or `memory:`.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for an address or a type that nobody knows
 */
export function statestoreFromUrl(url: string, options: StatestoreFromUrlOptions = {}): Statestore {
  checkOptionNames("statestoreFromUrl", options, ["type", "connectionsMax", "tls"]);
  const { type, ...server } = options;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(String(url))?.[1]?.toLowerCase();
  const kind = kinds.find(({ types, schemes }) =>
    type === undefined
      ? scheme !== undefined && schemes.includes(scheme)
      : types.includes(String(type).toLowerCase()),
  );
  if (kind === undefined) {
    const known = [
      ...new Set(kinds.flatMap(({ types, schemes }) => (type === undefined ? schemes : types))),
    ];
    const what =
      type === undefined ? "url: expected an address that begins with" : "type: expected";
    const given = type === undefined ? scheme : JSON.stringify(type);
    const meant = nearestName(String(type ?? scheme ?? ""), known);
    const guess = meant === undefined ? "" : `, did you mean ${meant}?`;
    const got = given ?? "none of them; a file is sqlite:state.db";
    throw new SpawnError("INVALID_ARGUMENT", `${what} ${known.join(", ")}; got ${got}${guess}`);
  }
  if (scheme === undefined || !kind.schemes.includes(scheme)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `url: expected an address that begins with ${kind.schemes.join(" or ")}, since the type is ${type}; got ${scheme ?? "something else"}`,
    );
  }
  return kind.create(url, server);
}

/** `sqlite:state.db`, `sqlite://state.db`, `sqlite:///var/lib/state.db`. */
function fileOf(url: string): string {
  const file = url.replace(/^[a-z]+:(\/\/)?/i, "");
  if (file === "") throw noFile("one without a file");
  if (/[?#]/.test(file))
    throw noFile("one with parameters; a ? or # of the file has to be written as %3F or %23");
  try {
    return decodeURIComponent(file);
  } catch {
    throw noFile("a % that has to be written as %25");
  }
}

function noFile(got: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", `url: expected sqlite:FILE, got ${got}`);
}

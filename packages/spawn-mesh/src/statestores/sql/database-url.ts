/** The address of a database, taken apart. */
import { SpawnError } from "../../engine/errors.ts";

export interface DatabaseUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** The same for messages: no password in it. */
  readonly address: string;
}

export interface UrlRules {
  readonly schemes: readonly string[];
  /** The port when the address has none. */
  readonly port: number;
  /** The parameters that it may have. */
  readonly parameters: readonly string[];
}

const HOW_TO_WRITE =
  "what a user or a password has of / : @ ? # % [ ] has to be written as encodeURIComponent does";

/** @throws {SpawnError} `INVALID_ARGUMENT`; the message never has the address in it, where the password is */
export function parseUrl(text: unknown, rules: UrlRules): DatabaseUrl {
  const form = `${rules.schemes[0]}://USER:PASSWORD@HOST:PORT/DATABASE`;
  const scheme = schemeOf(text);
  if (scheme === undefined || !rules.schemes.includes(scheme))
    throw invalid(
      `expected ${form}, got ${scheme === undefined ? shown(text) : `an address of ${scheme}`}`,
    );
  if (!URL.canParse(text as string)) throw invalid(`expected ${form}; ${HOW_TO_WRITE}`);
  const url = new URL(text as string);
  const database = decode(url.pathname.slice(1));
  if (url.hostname === "") throw invalid(`expected ${form}, got one without a host`);
  if (url.username === "")
    throw invalid(`expected ${form}, got one without a user; ${HOW_TO_WRITE}`);
  if (database === "" || database.includes("/"))
    throw invalid(`expected ${form}, got one without the name of a database`);
  for (const name of url.searchParams.keys()) {
    if (!rules.parameters.includes(name)) {
      const known = rules.parameters.join(", ");
      throw invalid(`expected no parameter but ${known}, got ${JSON.stringify(name)}`);
    }
  }
  const port = url.port === "" ? rules.port : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const user = decode(url.username);
  return {
    host,
    port,
    user,
    password: decode(url.password),
    database,
    parameters: new Map(url.searchParams),
    address: `${scheme}://${user}@${url.hostname}:${port}/${database}`,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid("a % in a user, password or database has to be written as %25");
  }
}

function schemeOf(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  return /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
}

function shown(text: unknown): string {
  return typeof text === "string" ? "something else" : typeof text;
}

function invalid(problem: string): SpawnError {
  return new SpawnError("INVALID_ARGUMENT", `url: ${problem}`);
}

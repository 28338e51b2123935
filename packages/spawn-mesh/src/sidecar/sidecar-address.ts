/** Where a sidecar listens, and how it is reached. */
import { SpawnError, checkWholeNumber } from "../engine/index.ts";
import { checkOptionNames } from "../engine/option-names.ts";

/** What can be said about a sidecar besides its address. */
export interface SidecarOptions {
  /** Where it listens: `http://127.0.0.1:9001`, `https://…`, or a Unix socket as `unix:/var/run/spawn.sock`. */
  readonly url: string;
  /** Sent with every request as `authorization: Bearer …`. Default: none. */
  readonly token?: string | undefined;
  /**
   * Whether calls and runs go over one connection that this program opens, where the sidecar is ours.
   * Default true. With `false`, or where there is none, they are requests of HTTP in both directions.
   */
  readonly stream?: boolean | undefined;
  /** The interface at which this program listens for a sidecar that gives no stream. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** The port of that. Default: a free one, which it tells the sidecar. */
  readonly port?: number | undefined;
}

/** A sidecar as requests need it. */
export interface SidecarAddress {
  readonly isTls: boolean;
  /** What `node:http` connects to. */
  readonly target:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number };
  readonly token: string | undefined;
}

const PORT_DEFAULT = 9001;

const OPTIONS: Readonly<Record<keyof SidecarOptions, true>> = {
  url: true,
  token: true,
  stream: true,
  host: true,
  port: true,
};

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function addressOf(sidecar: string | SidecarOptions): SidecarAddress {
  const { url, token } = sidecarOptions(sidecar);
  if (url.startsWith("unix:")) {
    const socketPath = url.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
    if (socketPath === "") throw badUrl(url);
    return { isTls: false, target: { socketPath }, token };
  }
  const { protocol, hostname, port, pathname, search, hash, username, password } = parsed(url);
  const isPlain = (protocol === "http:" || protocol === "https:") && pathname === "/";
  if (!isPlain || search !== "" || hash !== "") throw badUrl(url);
  if (username !== "" || password !== "") {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      "sidecar: expected an address without a user and a password; a token is an option beside it: { url, token }",
    );
  }
  const isTls = protocol === "https:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { isTls, target: { host, port: port === "" ? PORT_DEFAULT : Number(port) }, token };
}

/** The options of a sidecar that is given by its address alone, or with them. @throws {SpawnError} `INVALID_ARGUMENT` */
export function sidecarOptions(sidecar: string | SidecarOptions): SidecarOptions {
  const options = typeof sidecar === "string" ? { url: sidecar } : sidecar;
  if (typeof options !== "object" || options === null) throw badUrl(options);
  checkOptionNames("sidecar", options, Object.keys(OPTIONS));
  if (typeof options.url !== "string") throw badUrl(options.url);
  if (options.port !== undefined) {
    checkWholeNumber("sidecar.port", options.port, { min: 0, max: 65_535 });
  }
  if (options.stream !== undefined && typeof options.stream !== "boolean") {
    const came = typeof options.stream;
    throw new SpawnError("INVALID_ARGUMENT", `sidecar.stream: expected true or false, got ${came}`);
  }
  return options;
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw badUrl(url);
  }
}

/** What may be a secret of somebody is not told: a user, a password, and what follows the path. */
function badUrl(got: unknown): SpawnError {
  const told =
    typeof got === "string" ? got.replace(/\/\/.*@/s, "//…@").replace(/[?#].*$/s, "?…") : got;
  return new SpawnError(
    "INVALID_ARGUMENT",
    `sidecar: expected http://HOST:PORT, https://HOST:PORT or unix:/PATH, got ${JSON.stringify(told)}`,
  );
}

/**
 * Requests that web pages make. Any page that somebody opens on this machine can send requests to its own
 * ports, so being here proves nothing for them.
 */
import { unauthorized } from "./identity.ts";
import type { Peer } from "./peer.ts";

/** Headers in which browsers say that a page makes the request, and how it names the proxy. */
export interface BrowserHeaders {
  readonly origin?: string | undefined;
  readonly "sec-fetch-site"?: string | string[] | undefined;
  readonly host?: string | undefined;
}

/** What browsers say of requests that nobody's page makes, and of those of pages that came from here. */
const OWN: readonly unknown[] = ["none", "same-origin"];

/** @throws {SpawnError} `UNAUTHORIZED` for a request that a page of somebody else makes */
export function checkNoForeignPage(peer: Peer, headers: BrowserHeaders): void {
  checkOrigin(peer, headers);
  // A page of a domain whose name leads here needs to say neither, but that name.
  if (peer.from === "loopback" && isDomain(headers.host ?? "")) {
    throw unauthorized(`expected an address or localhost in the header host, got a domain`);
  }
}

/**
 * Where a page says by itself where it is from. TLS knows the name that it was looked for by.
 *
 * @throws {SpawnError} `UNAUTHORIZED`
 */
export function checkOrigin({ from }: Peer, headers: BrowserHeaders): void {
  if (from === "unix-socket") return;
  const { origin, host, "sec-fetch-site": site = "none" } = headers;
  const isOwn =
    origin === undefined ? OWN.includes(site) : origin.replace(/^\w+:\/\//, "") === host;
  if (isOwn) return;
  throw unauthorized("a web page from elsewhere makes this request: expected one with a token");
}

function isDomain(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  const isAddress = /^[\d.]+$|^\[.*\]$/.test(name);
  return !isAddress && name.includes(".") && !/\.localhost$/i.test(name);
}

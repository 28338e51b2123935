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

/** @throws {SpawnError} `UNAUTHORIZED` for a request that a web page makes */
export function checkNoBrowser({ from }: Peer, headers: BrowserHeaders): void {
  if (from === "unix-socket") return;
  const { origin, host = "", "sec-fetch-site": site = "none" } = headers;
  if (origin !== undefined || site !== "none") {
    throw unauthorized("a web page makes this request: expected one with a token");
  }
  // A page of a domain whose name leads here needs to say neither, but that name.
  if (from === "loopback" && isDomain(host)) {
    throw unauthorized(`expected an address or localhost in the header host, got a domain`);
  }
}

function isDomain(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  const isAddress = /^[\d.]+$|^\[.*\]$/.test(name);
  return !isAddress && name.includes(".") && !/\.localhost$/i.test(name);
}

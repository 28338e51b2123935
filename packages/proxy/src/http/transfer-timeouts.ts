/** How long a client of HTTP/1 may take for what it sends. */
import type { ServerOptions } from "node:http";

/** For the head of a request, however long its body may take, in milliseconds. */
const HEAD_MS_MAX = 10_000;
/** Clients that keep connections close them themselves; one that was closed under their hands is a failed call. */
const KEEP_ALIVE_MS = 65_000;
/** How often connections are looked at, in milliseconds. */
const LOOK_PERIOD_MS = 1_000;

type Timeouts = Pick<
  ServerOptions,
  "requestTimeout" | "headersTimeout" | "keepAliveTimeout" | "connectionsCheckingInterval"
>;

/** @param transferMsMax for a whole request, in milliseconds; the connection ends with it */
export function transferTimeouts(transferMsMax: number): Timeouts {
  return {
    requestTimeout: transferMsMax,
    headersTimeout: Math.min(transferMsMax, HEAD_MS_MAX),
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: LOOK_PERIOD_MS,
  };
}

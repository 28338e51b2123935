/** Tells of connections that came to no TLS: those who made them hear only that they were closed. */
import type { Socket } from "node:net";
import type { Log } from "../log.ts";
import { sparingLog } from "../sparing-log.ts";

/** What listens to `tlsClientError` of a server. */
export function tellingFailedHandshakes(
  log: Log,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const sparing = sparingLog(log);
  return ({ code, message }, { remoteAddress: address }) =>
    sparing("warning", "tls-failed", { address, reason: code ?? message });
}

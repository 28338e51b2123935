/** Asks a sidecar for a stream: a request of HTTP that becomes one, with the same token and the same TLS. */
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { PROGRAM_HEADER, STREAM_PATH, STREAM_PROTOCOL } from "../../protocol/index.ts";
import { failedExchange, watchConnection } from "../http-exchange.ts";
import type { SidecarAddress } from "../sidecar-address.ts";

/** A connection that is a stream from now on, with what has come on it already. */
export interface OpenedSocket {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** A sidecar that has not answered for so long has no stream to give, in milliseconds. */
export const NEGOTIATION_MS_MAX = 5_000;
/** Who says this is there, and will soon not be, or not yet. */
const SERVICE_UNAVAILABLE = 503;

/**
 * The connection; `undefined` from a sidecar, or something before it, that gives none.
 *
 * @param program names this program each time that it connects
 * @param signal gives up asking
 * @throws {SpawnError} `NODE_UNAVAILABLE` when the sidecar cannot be reached at the moment
 */
export function openStream(
  { isTls, target, token }: SidecarAddress,
  program: string,
  signal: AbortSignal,
): Promise<OpenedSocket | undefined> {
  return new Promise((resolve, reject) => {
    const sending = (isTls ? httpsRequest : httpRequest)({
      ...target,
      agent: false,
      signal,
      method: "GET",
      path: STREAM_PATH,
      headers: {
        connection: "upgrade",
        upgrade: STREAM_PROTOCOL,
        [PROGRAM_HEADER]: program,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
    const connection = watchConnection(sending);
    const unreachable = (error: Error): void => reject(failedExchange(error, false));
    const timer = setTimeout(() => {
      resolve(undefined);
      sending.destroy();
    }, NEGOTIATION_MS_MAX);
    sending.on("upgrade", (_answer: IncomingMessage, socket: Socket, head: Buffer) => {
      resolve({ socket, head });
    });
    sending.on("response", ({ statusCode }) => {
      if (statusCode !== SERVICE_UNAVAILABLE) resolve(undefined);
      else unreachable(new Error("it is not ready"));
      sending.destroy();
    });
    sending.on("error", (error) => (connection.isOpen ? resolve(undefined) : unreachable(error)));
    sending.on("close", () => clearTimeout(timer));
    sending.end();
  });
}

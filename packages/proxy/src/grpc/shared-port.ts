/**
 * One port for gRPC and for plain HTTP.
 *
 * Without TLS nothing negotiates the version of HTTP, and a server of Node speaks one of them. But a
 * connection of HTTP/2 begins with a fixed text, so its first bytes tell which server it is for. With TLS
 * the two ends have agreed.
 */
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** How every connection of HTTP/2 begins. It was chosen to be no method of HTTP/1. */
const HTTP2_PREFACE = Buffer.from("PRI ");

/** A connection that has not said that much by then is closed. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;

/**
 * Gives away the connections of a server of HTTP/1 that speak HTTP/2.
 *
 * The server listens itself, and not one in front of it: only then it watches over its timeouts.
 *
 * @returns closes the connections that have not said what they speak
 */
export function shareWithHttp2(
  server: Server | TlsServer,
  http2: (socket: Socket) => void,
): () => void {
  const silent = new Set<Socket>();
  const connected = "setSecureContext" in server ? "secureConnection" : "connection";
  const [http1, ...others] = server.listeners(connected);
  if (http1 === undefined || others.length > 0) throw new Error("a server has one such listener");
  server.removeAllListeners(connected);
  server.on(connected, (socket: Socket) => {
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
    whenItSpeaks(socket, (isHttp2) => {
      silent.delete(socket);
      if (!isHttp2) return void http1.call(server, socket);
      // A server of HTTP/1 answers clients that have closed their end; HTTP/2 would wait for them for ever.
      socket.allowHalfOpen = false;
      http2(socket);
    });
  });
  return () => {
    for (const socket of silent) socket.destroy();
  };
}

function whenItSpeaks(socket: Socket, then: (isHttp2: boolean) => void): void {
  if (socket instanceof TLSSocket) return then(socket.alpnProtocol === "h2");
  const giveUp = (): void => void socket.destroy();
  socket.on("error", giveUp);
  socket.setTimeout(FIRST_BYTES_TIMEOUT_MS, giveUp);

  let seen = Buffer.alloc(0);
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, HTTP2_PREFACE.length);
    const isHttp2 = HTTP2_PREFACE.subarray(0, length).equals(seen.subarray(0, length));
    if (isHttp2 && length < HTTP2_PREFACE.length) return; // Too early to tell.
    socket.off("readable", look).off("error", giveUp).off("timeout", giveUp).setTimeout(0);
    socket.unshift(seen);
    then(isHttp2);
  };
  socket.on("readable", look);
}

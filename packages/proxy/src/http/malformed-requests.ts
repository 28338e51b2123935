/** What is no HTTP at all gets the same kind of answer as other mistakes, as far as it can still be sent. */
import type { Socket } from "node:net";
import { SpawnError } from "spawn-mesh/engine";
import type { Answer } from "./answers.ts";

/**
 * For how long what else comes is thrown away, in milliseconds: a client that is cut off while it sends
 * does not read why.
 */
const LINGER_MS = 1_000;

/** A listener of `clientError`, which answers in the words of a server. */
export function refusingMalformed(
  failure: (error: SpawnError) => Answer,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const refused = new WeakSet<Socket>();
  return (error, socket) => {
    // The parser says it of every further piece.
    if (refused.has(socket) && error.code !== "ECONNRESET") return;
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    refused.add(socket);
    const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const { headers, body } = failure(
      isLate
        ? new SpawnError("DEADLINE_EXCEEDED", "the request has not come to its end in time")
        : new SpawnError("INVALID_ARGUMENT", `this is no request of HTTP/1: ${error.code}`),
    );
    const fields = { ...headers, "content-length": body.length, connection: "close" };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const status = isLate ? "408 Request Timeout" : "400 Bad Request";
    socket.write(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`);
    socket.end(body);
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}

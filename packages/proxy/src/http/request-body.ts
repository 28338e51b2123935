/** Bodies of requests of HTTP/1, within the bounds of one and of all. */
import type { IncomingMessage } from "node:http";
import { SpawnError } from "spawn-mesh/engine";
import { TOO_MANY_UNFINISHED, UnfinishedBytes } from "./unfinished-bytes.ts";

/** How much of a body that is too large is read and thrown away, counted in bodies of the largest size. */
const DISCARDED_BODIES_MAX = 8;

/**
 * The body of a request. One that is too large is read to its end all the same, as long as that is not
 * far: a client that is cut off while it sends does not read why.
 *
 * @throws {SpawnError} `PAYLOAD_TOO_LARGE`, `OVERLOADED`, `CANCELLED`
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const discardedMax = bytesMax * DISCARDED_BODIES_MAX;
  return new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > discardedMax) {
      return reject(tooLarge(bytesMax));
    }
    let chunks: Buffer[] = [];
    let bytes = 0;
    const unfinished = new UnfinishedBytes(bytesMax);
    const refuse = (error: SpawnError): void => {
      request.pause();
      unfinished.keep(0);
      chunks = [];
      reject(error);
    };
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) {
        chunks.push(chunk);
        if (!unfinished.keep(bytes)) refuse(new SpawnError("OVERLOADED", TOO_MANY_UNFINISHED));
        return;
      }
      unfinished.keep(0);
      chunks = [];
      if (bytes > discardedMax) refuse(tooLarge(bytesMax));
    });
    request.on("end", () => {
      if (bytes > bytesMax) reject(tooLarge(bytesMax));
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    request.on("close", () => unfinished.keep(0));
    request.on("error", (cause) =>
      reject(new SpawnError("CANCELLED", "the request has ended in the middle", { cause })),
    );
  });
}

function tooLarge(bytesMax: number): SpawnError {
  return new SpawnError("PAYLOAD_TOO_LARGE", `the body: expected at most ${bytesMax} bytes`);
}

/** What has to be true of the answer to any input. */
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { Metadata, status as grpcStatus } from "@grpc/grpc-js";
import type { Client } from "@grpc/grpc-js";
import { fromBinary } from "@bufbuild/protobuf";
import { FrameKind, RefusalSchema, SpawnResponseSchema } from "spawn-mesh/protocol";
import { framesOf, openRawStream } from "../fixtures/raw-stream.ts";
import type { Destination, FuzzInput } from "./inputs.ts";

/** The longest time until something comes, in milliseconds. */
const ANSWER_MS_MAX = 10_000;
/**
 * The same for a call whose timeout a mutation has taken away, so that it has the default of 60 s: if it is piped
 * to an actor whose host is away it waits for that, as it should.
 */
const UNTIMED_CALL_MS_MAX = 70_000;
const TIMEOUT = "\n\x0frequest-timeout\x12\x041000";
/** For how long a stream is kept open, in milliseconds. */
const STREAM_MS = 20;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Where a proxy is reached. */
export interface Ports extends Readonly<Record<Destination, number>> {
  readonly grpc: Client;
}

/** Sends an input; answers what is wrong with what comes back, or nothing. */
export async function problemWith(input: FuzzInput, ports: Ports): Promise<string | undefined> {
  switch (input.kind) {
    case "raw":
      return await problemWithRaw(input, ports[input.to]);
    case "stream":
      return await problemWithStream(input.bytes, ports.proxy);
    case "http":
      return await problemWithHttp(input, ports[input.to]);
    case "grpc":
      return await problemWithGrpc(input, ports.grpc);
  }
}

function problemWithHttp(
  { method, path, headers, body }: Extract<FuzzInput, { kind: "http" }>,
  port: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const isLarge = body.length > 1024 * 1024;
    const sent = request(
      { port, method, path, headers: { ...headers, "content-length": body.length }, agent },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", (error) => resolve(isLarge ? undefined : error.message));
        response.on("end", () => {
          const { statusCode = 0, headers: received } = response;
          const code = received["spawn-error"];
          if (code === "INTERNAL") return resolve("INTERNAL");
          resolve(method === "HEAD" ? undefined : problemWithBody(statusCode, received, chunks));
        });
      },
    );
    const isUntimed = path.endsWith("/invoke") && !body.includes(TIMEOUT);
    const answerMsMax = isUntimed ? UNTIMED_CALL_MS_MAX : ANSWER_MS_MAX;
    sent.setTimeout(answerMsMax, () => {
      resolve(`no answer within ${answerMsMax} ms`);
      sent.destroy();
    });
    // A body that is too large is refused while it is being sent.
    sent.on("error", (error) => resolve(isLarge ? undefined : error.message));
    sent.end(body);
  });
}

function problemWithBody(
  status: number,
  headers: { readonly "content-type"?: string | undefined },
  chunks: readonly Buffer[],
): string | undefined {
  const body = Buffer.concat(chunks);
  if (headers["content-type"]?.startsWith("application/json") === true) {
    return problemWithJson(status, body);
  }
  if (headers["content-type"] !== "application/octet-stream") {
    return status < 500 || status === 503
      ? undefined
      : `status ${status} as ${headers["content-type"]}`;
  }
  try {
    const said = fromBinary(SpawnResponseSchema, body).status?.status ?? 0;
    return said === 0 ? `status ${status} with a body that says nothing` : undefined;
  } catch {
    return `status ${status} with ${body.length} bytes that cannot be decoded`;
  }
}

/** How failures are said in JSON, by the routes of ours and by those of services. */
interface Failure {
  readonly code?: string;
  readonly status?: string;
}

function problemWithJson(status: number, body: Buffer): string | undefined {
  try {
    const said = JSON.parse(body.toString()) as (Failure & { readonly error?: Failure }) | null;
    // Whether the proxy is up is said with 503 too.
    if (status < 400 || said?.status !== undefined) return undefined;
    const code = said?.code ?? said?.error?.code;
    return code === undefined || code === "INTERNAL"
      ? `status ${status} with ${body.toString("latin1")}`
      : undefined;
  } catch {
    return `status ${status} with ${body.length} bytes that are no JSON`;
  }
}

/** Every call ends with a status, and never with one that says that the proxy has a defect. */
function problemWithGrpc(
  { path, message }: Extract<FuzzInput, { kind: "grpc" }>,
  client: Client,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    const options = { deadline: Date.now() + ANSWER_MS_MAX };
    client.makeUnaryRequest(path, asIs, asIs, message, new Metadata(), options, (error) => {
      const isWrong =
        error?.code === grpcStatus.INTERNAL || error?.code === grpcStatus.DEADLINE_EXCEEDED;
      resolve(isWrong ? `gRPC status ${error.code}: ${error.details}` : undefined);
    });
  });
}

/** Whatever comes on a stream, its frames are answered with such as can be decoded, and it ends when it is left. */
async function problemWithStream(bytes: Buffer, port: number): Promise<string | undefined> {
  const socket = await openRawStream({ address: { host: "127.0.0.1", port } });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    socket.destroy();
  }, ANSWER_MS_MAX);
  socket.write(bytes);
  // What is answered at once is heard, and the rest is answered to nobody.
  setTimeout(() => socket.end(), STREAM_MS);
  try {
    for await (const { kind, body } of framesOf(socket)) {
      const problem = problemWithFrame(kind, body);
      if (problem !== undefined) return problem;
    }
  } catch {
    // The proxy cuts off who says what is no frame.
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
  return isLate ? `a stream that was not closed within ${ANSWER_MS_MAX} ms` : undefined;
}

function problemWithFrame(kind: number, body: Buffer): string | undefined {
  if (kind !== FrameKind.failed) return undefined;
  try {
    const { code } = fromBinary(RefusalSchema, body);
    const said = fromBinary(SpawnResponseSchema, body).status?.status ?? 0;
    return code === "INTERNAL" || said === 0 ? `a refusal ${code} with status ${said}` : undefined;
  } catch {
    return `a refusal of ${body.length} bytes that cannot be decoded`;
  }
}

/** Whatever comes on a socket, it is answered or closed when it has ended. */
function problemWithRaw(
  { bytes }: Extract<FuzzInput, { kind: "raw" }>,
  port: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const timer = setTimeout(() => {
      resolve(`a socket that was neither answered nor closed within ${ANSWER_MS_MAX} ms`);
      socket.destroy();
    }, ANSWER_MS_MAX);
    const done = (): void => {
      clearTimeout(timer);
      resolve(undefined);
    };
    socket.on("data", () => undefined);
    socket.on("close", done);
    socket.on("error", done);
    socket.end(bytes);
  });
}

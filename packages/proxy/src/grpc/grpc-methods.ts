/**
 * Served methods as handlers of grpc-js.
 *
 * Messages stay bytes: whoever answers decodes them, so that what is malformed is told with our own error.
 * A stream is one call for each message, one after the other: the next message is read when the one before
 * it was answered, and no reply is written while the client does not read.
 */
import { once, type EventEmitter } from "node:events";
import type {
  MethodDefinition,
  sendUnaryData,
  Server,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { DescMethod } from "@bufbuild/protobuf";
import { SpawnError, TIMEOUT_MS_MAX } from "spawn-mesh/engine";
import { NOBODY } from "../security/identity.ts";
import type { Identity } from "../security/identity.ts";
import { serviceError, unimplemented } from "./grpc-status.ts";
import { metadataInStream, metadataOfGrpc } from "./request-metadata.ts";
import type { RequestFacts, ServedMethod } from "./served-method.ts";

type Handler = UntypedServiceImplementation[string];

export interface ServiceOptions {
  /** Another name than the service's own. */
  readonly name?: string;
  /** Who makes a call, by its peer and headers. */
  readonly identify: Identify;
}

/** @throws {Unauthenticated} */
export type Identify = (peer: string, authorization: string | undefined) => Identity;

/** Adds a service, under its own name unless another is given. */
export function addService(
  server: Server,
  methods: readonly ServedMethod[],
  { name, identify }: ServiceOptions,
): void {
  server.addService(
    Object.fromEntries(methods.map(({ method }) => [method.name, definitionOf(method, name)])),
    Object.fromEntries(methods.map((served) => [served.method.name, handlerOf(served, identify)])),
  );
}

/** The name under which a client calls a method. */
export function definitionOf(
  method: DescMethod,
  service: string = method.parent.typeName,
): MethodDefinition<Uint8Array, Uint8Array> {
  return {
    path: `/${service}/${method.name}`,
    requestStream:
      method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream:
      method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: asBuffer,
    requestDeserialize: asIs,
    responseSerialize: asBuffer,
    responseDeserialize: asIs,
  };
}

function handlerOf(method: ServedMethod, identify: Identify): Handler {
  const served: Served = { ...method, identify };
  switch (served.method.methodKind) {
    case "unary":
      return (call: Unary, callback: Callback) => void answerUnary(served, call, callback);
    case "client_streaming":
      return (call: Incoming, callback: Callback) => void answerLast(served, call, callback);
    case "bidi_streaming":
      return (call: Duplex) => void answerEach(served, call);
    case "server_streaming":
      return (call: Outgoing) =>
        call.emit(
          "error",
          unimplemented(`${nameOf(served.method)}: server streams are not served`),
        );
  }
}

type Unary = ServerUnaryCall<Uint8Array, Uint8Array>;
type Incoming = ServerReadableStream<Uint8Array, Uint8Array>;
type Outgoing = ServerWritableStream<Uint8Array, Uint8Array>;
type Duplex = ServerDuplexStream<Uint8Array, Uint8Array>;
type Callback = sendUnaryData<Uint8Array>;

/** What calls of all kinds have. */
type Call = Pick<Unary, "metadata" | "getDeadline" | "getPeer"> & EventEmitter;

/** A method with all that its handlers need. */
interface Served extends ServedMethod {
  readonly identify: Identify;
}

async function answerUnary(served: Served, call: Unary, callback: Callback): Promise<void> {
  try {
    callback(null, await served.answer(call.request, factsOf(served, call, cancellationOf(call))));
  } catch (error) {
    callback(serviceError(error));
  }
}

/** A client stream has one reply: that to its last message. */
async function answerLast(served: Served, call: Incoming, callback: Callback): Promise<void> {
  const signal = cancellationOf(call);
  try {
    let reply: Uint8Array | undefined;
    for await (const { message, facts } of messagesOf(served, call, signal)) {
      reply = await served.answer(message, facts);
    }
    if (reply !== undefined) return callback(null, reply);
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `${nameOf(served.method)}: the stream ended without a message, so there is nothing to answer`,
    );
  } catch (error) {
    callback(serviceError(error));
  }
}

async function answerEach(served: Served, call: Duplex): Promise<void> {
  const signal = cancellationOf(call);
  try {
    for await (const { message, facts } of messagesOf(served, call, signal)) {
      const reply = await served.answer(message, facts);
      if (!call.write(reply)) await once(call, "drain", { signal });
    }
    call.end();
  } catch (error) {
    if (!signal.aborted) call.emit("error", serviceError(error));
  }
}

interface StreamedMessage {
  readonly message: Uint8Array;
  readonly facts: RequestFacts;
}

/** The messages of a stream, which stays open for its answer when they are over. */
async function* messagesOf(
  served: Served,
  call: Incoming | Duplex,
  signal: AbortSignal,
): AsyncIterable<StreamedMessage> {
  let position = 0;
  const messages = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  for await (const message of messages) {
    position += 1;
    const { metadata, ...facts } = factsOf(served, call, signal);
    yield { message, facts: { ...facts, metadata: metadataInStream(metadata, position) } };
  }
}

/** Aborted when the client cancels, disconnects, or its deadline passes. */
function cancellationOf(call: EventEmitter): AbortSignal {
  const controller = new AbortController();
  call.once("cancelled", () => controller.abort());
  return controller.signal;
}

/** @throws {Unauthenticated}, {SpawnError} `DEADLINE_EXCEEDED` */
function factsOf({ isPublic, identify }: Served, call: Call, signal: AbortSignal): RequestFacts {
  const [authorization] = call.metadata.get("authorization").map(String);
  return {
    identity: isPublic === true ? NOBODY : identify(call.getPeer(), authorization),
    metadata: metadataOfGrpc(headersOf(call)),
    deadlineMs: remainingMs(call),
    signal,
  };
}

function* headersOf({ metadata }: Call): Iterable<readonly [string, string]> {
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) yield [name, String(value)];
  }
}

function remainingMs(call: Call): number | undefined {
  const deadline = Number(call.getDeadline());
  if (deadline === Infinity) return undefined;
  const remaining = Math.ceil(deadline - Date.now());
  if (remaining > 0) return Math.min(remaining, TIMEOUT_MS_MAX);
  throw new SpawnError("DEADLINE_EXCEEDED", "the deadline passed before the action could begin");
}

function nameOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}.${name}`;
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asIs = (bytes: Buffer): Uint8Array => bytes;

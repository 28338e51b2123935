/**
 * The streams of a proxy: connections that began as a request of HTTP at the port of the protocol, and so
 * came through the same TLS and the same guard.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { SpawnError } from "spawn-mesh/engine";
import { PROGRAM_HEADER, STREAM_PATH, STREAM_PROTOCOL } from "spawn-mesh/protocol";
import { failureAnswer } from "../answers.ts";
import type { Guard, RequestFacts } from "../security/guard.ts";
import type { Identity } from "../security/identity.ts";
import { ProgramStream } from "./program-stream.ts";
import type { ProgramStreamParts } from "./program-stream.ts";

export interface StreamsOptions extends Pick<
  ProgramStreamParts,
  "systems" | "registering" | "bodyBytesMax" | "transferMsMax" | "unread" | "log"
> {
  readonly guard: Guard;
  /** Whether no more are given. */
  readonly isClosing: () => boolean;
}

/** A request for a stream, with the connection that is to become one. */
export interface StreamRequest {
  readonly facts: RequestFacts & Pick<IncomingMessage, "headers">;
  readonly socket: Socket;
  /** What has come after the request. */
  readonly head: Buffer;
}

/** What a stream was let in for. */
interface Admission {
  readonly facts: RequestFacts;
  readonly identity: Identity;
}

const ACCEPTED = `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${STREAM_PROTOCOL}\r\n\r\n`;
/** Streams at once: they may be silent for ever, and connections are needed for requests too. */
const STREAMS_MAX = 1_000;
/** Time for a refusal to be read, and the connection to be ended by who asked, in milliseconds. */
const FAREWELL_MS = 2_000;
const PROGRAM = /^[\w-]{1,64}$/;

/** Whether a request asks for a stream that is spoken here. All others are answered as if it had not. */
export function isForStream({ method, url, headers }: IncomingMessage): boolean {
  if (method !== "GET" || url !== STREAM_PATH || hasBody(headers)) return false;
  const offered = headers.upgrade?.split(",").map((one) => one.trim()) ?? [];
  return offered.includes(STREAM_PROTOCOL);
}

/** What a gateway would take for the body of a request must not be frames. */
function hasBody(headers: IncomingMessage["headers"]): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

export class Streams {
  readonly #options: StreamsOptions;
  readonly #open = new Map<ProgramStream, Admission>();

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** Makes a stream of a connection, if whoever asks may have one. */
  begin({ facts, socket, head }: StreamRequest): void {
    socket.on("error", () => socket.destroy());
    if (this.#options.isClosing()) {
      return refuse(socket, 503, new SpawnError("SHUTTING_DOWN", "the proxy is stopping"));
    }
    const { guard, log, registering } = this.#options;
    const identity = guard.authorize(facts);
    if ("refusal" in identity) return refuse(socket, 401, identity.refusal);
    if (this.#open.size >= STREAMS_MAX) {
      const full = `a proxy has at most ${STREAMS_MAX} streams: make requests instead`;
      return refuse(socket, 429, new SpawnError("OVERLOADED", full));
    }
    socket.write(ACCEPTED);
    const { from, address } = facts.peer;
    // The same host each time that it registers, also when it gives itself no name.
    const host = `${identity.name} ${programOf(facts)}`;
    const program = { by: identity.name, from, address, stream: host };
    const stream: ProgramStream = new ProgramStream(socket, {
      ...this.#options,
      identity,
      hostOf: () => registering.hosts.withStream(host),
      onClosed: (reason) => {
        this.#open.delete(stream);
        log("info", "stream-closed", { ...program, reason });
      },
    });
    this.#open.set(stream, { facts, identity });
    log("info", "stream-opened", program);
    stream.begin(head);
  }

  /**
   * Ends the streams of those who would not be let in any more, or for something else.
   *
   * @param hasOtherAuthority whether certificates that were accepted may not be any more
   */
  recheck(hasOtherAuthority: boolean): void {
    for (const [stream, { facts, identity }] of this.#open) {
      if (hasOtherAuthority && facts.peer.certificateName !== undefined) {
        stream.close("other authorities check certificates now");
        continue;
      }
      const now = this.#options.guard.authorize(facts);
      const isSame = "name" in now && now.name === identity.name && now.isHost === identity.isHost;
      if (!isSame) stream.close("it is not let in any more");
    }
  }

  /** Ends all, with what was answered. */
  close(): void {
    for (const stream of this.#open.keys()) stream.end("the proxy is stopping");
  }
}

function programOf({ headers }: StreamRequest["facts"]): string {
  const named = headers[PROGRAM_HEADER];
  return typeof named === "string" && PROGRAM.test(named) ? named : randomUUID();
}

/** Answers as a server of HTTP would, for the last time on that connection. */
function refuse(socket: Socket, status: number, error: SpawnError): void {
  const { headers, body } = failureAnswer(error);
  const fields = {
    ...headers,
    ...(status === 401 && { "www-authenticate": "Bearer" }),
    "content-length": body.length,
    connection: "close",
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n`);
  socket.end(body);
  // Nobody else looks after the connection any more; read from, it is heard to end.
  socket.resume();
  const farewell = setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  socket.on("close", () => clearTimeout(farewell));
}

/**
 * Keeps this program registered.
 *
 * A sidecar forgets its hosts when it restarts. So one connection to it is kept open, the stream if it
 * gives one; when that ends, the program registers again, as soon as there is a sidecar to register with.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SpawnError, isSpawnError } from "../engine/index.ts";
import type { ErrorCode } from "../engine/index.ts";
import { FrameKind, RegistrationResponseSchema, Status } from "../protocol/index.ts";
import type { StreamConnection } from "../protocol/index.ts";
import { HttpExchange, failedExchange } from "./http-exchange.ts";
import type { HttpAnswer } from "./http-exchange.ts";
import { jittered } from "./jittered.ts";
import type { SidecarAddress } from "./sidecar-address.ts";
import type { SidecarStream } from "./stream/sidecar-stream.ts";
import { decodedAnswer, errorOfAnswer, refusalOverStream } from "./wire-errors.ts";

/** For how long the first registration waits for a sidecar to come up, in milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** Waits between tries to register, in milliseconds: doubled each time, and jittered. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;
/** The wait after a connection was lost, in milliseconds: doubled when that soon happens again, and jittered. */
const RECONNECT_MS = 250;
/** A sidecar that says nothing for so long while it is registered with is told of, in milliseconds. */
const SILENCE_MS = 2_000;
/** Often enough that neither side takes the connection for unused, in milliseconds. */
const HEARTBEAT_MS = 15_000;
/** A connection that ends sooner than this tells nothing about a restart, in milliseconds. */
const CONNECTION_MS_MIN = 1_000;
/** A sidecar that does not answer a registration is asked again after so many milliseconds. */
const ANSWER_TIMEOUT_MS = 15_000;

/** What the sidecar may say of a moment that is over soon. */
const PASSING: ReadonlySet<string> = new Set([
  "NODE_UNAVAILABLE",
  "UNKNOWN_OUTCOME",
  "SHUTTING_DOWN",
  "OVERLOADED",
  "STATESTORE_UNAVAILABLE",
]);

export interface SidecarLinkParts {
  readonly address: SidecarAddress;
  /** The registration, encoded. */
  readonly body: Uint8Array;
  /** `undefined` for a program that wants none. */
  readonly stream: SidecarStream | undefined;
  /** Listens for a sidecar that gives no stream, if that is not done yet; answers at which port. */
  readonly listen: () => Promise<number>;
  /** Is told when the sidecar has to be waited for, and what is the matter with it, once for each reason. */
  readonly awaited: (cause: unknown) => void;
}

export class SidecarLink {
  readonly #parts: SidecarLinkParts;
  readonly #http: HttpExchange;
  readonly #stopped = new AbortController();
  #heartbeat: NodeJS.Timeout | undefined;
  #registeredAt = 0;
  /** Streams, one after the other, that ended soon after the registration. */
  #fleetingStreams = 0;
  /** What was told to be the matter with the sidecar since it was there, by the codes of the errors. */
  readonly #told = new Set<ErrorCode>();

  constructor(parts: SidecarLinkParts) {
    this.#parts = parts;
    this.#http = new HttpExchange(parts.address, 1);
  }

  /** Registers, and again whenever that is needed. @throws {SpawnError} what the sidecar says against it */
  async start(): Promise<void> {
    await this.#register(performance.now() + START_TIMEOUT_MS);
    if (this.#stopped.signal.aborted) return;
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS).unref();
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#stopped.abort();
    this.#http.close();
  }

  async #register(endsAt: number): Promise<void> {
    for (let delayMs = RETRY_MS_MIN; ; delayMs = Math.min(delayMs * 2, RETRY_MS_MAX)) {
      const silence = setTimeout(() => this.#await(stillSilent()), SILENCE_MS).unref();
      try {
        await this.#registerOnce();
        return this.#told.clear();
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        const isPassing = isSpawnError(error) && PASSING.has(error.code);
        if (!isPassing || performance.now() > endsAt) throw error;
        this.#await(error);
      } finally {
        clearTimeout(silence);
      }
      await this.#wait(jittered(delayMs));
    }
  }

  #await(cause: unknown): void {
    const code = isSpawnError(cause) ? cause.code : "INTERNAL";
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#parts.awaited(cause);
  }

  async #registerOnce(): Promise<void> {
    const stream = await this.#parts.stream?.open();
    this.#stopped.signal.throwIfAborted();
    if (stream === undefined) await this.#registerByRequest();
    else await this.#registerOver(stream);
  }

  async #registerOver(stream: StreamConnection): Promise<void> {
    const answer = await askToRegister(stream, this.#parts.body);
    checkAccepted(answer);
    this.#registeredAt = performance.now();
    stream.onClosed(() => {
      this.#fleetingStreams = this.#isFleeting ? this.#fleetingStreams + 1 : 0;
      // Nobody can ask this program for anything before.
      const delayMs = RECONNECT_MS * 2 ** this.#fleetingStreams;
      void this.#registerAgain(Math.min(delayMs, RETRY_MS_MAX));
    });
  }

  async #registerByRequest(): Promise<void> {
    const port = await this.#parts.listen();
    const { stream, ...head } = await this.#http.open({
      method: "POST",
      path: "/api/v1/system",
      headers: {
        "content-type": "application/octet-stream",
        "spawn-host-port": `${port}`,
      },
      body: this.#parts.body,
      signal: this.#stopped.signal,
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    const { socket } = stream;
    const parts = await stream.toArray().catch((error) => {
      throw failedExchange(error, true);
    });
    checkAccepted({ ...head, body: Buffer.concat(parts as Buffer[]) });
    this.#registeredAt = performance.now();
    this.#watch(socket);
  }

  #watch(socket: Socket): void {
    // There are servers that keep no connection.
    const again = (): void =>
      void this.#registerAgain(this.#isFleeting ? RETRY_MS_MAX : RECONNECT_MS);
    if (socket.destroyed) again();
    else socket.once("close", again);
  }

  /** Whether the registration was not long ago. */
  get #isFleeting(): boolean {
    return performance.now() - this.#registeredAt < CONNECTION_MS_MIN;
  }

  /** The first registration was accepted, so whatever is said against this one may pass. */
  async #registerAgain(delayMs: number): Promise<void> {
    await this.#wait(jittered(delayMs));
    while (!this.#stopped.signal.aborted) {
      try {
        return await this.#register(Infinity);
      } catch (error) {
        this.#await(error);
        await this.#wait(jittered(RETRY_MS_MAX));
      }
    }
  }

  async #wait(delayMs: number): Promise<void> {
    const { signal } = this.#stopped;
    await sleep(delayMs, undefined, { signal }).catch(() => undefined);
  }

  async #beat(): Promise<void> {
    const path = "/health/liveness";
    // That the connection has ended is heard elsewhere.
    await this.#http
      .send({ method: "GET", path, timeoutMs: ANSWER_TIMEOUT_MS })
      .catch(() => undefined);
  }
}

function stillSilent(): SpawnError {
  return new SpawnError("UNKNOWN_OUTCOME", "the sidecar has not answered yet", {
    applied: "unknown",
  });
}

/** @throws {SpawnError} what the sidecar says against it */
function checkAccepted(answer: HttpAnswer): void {
  const response = decodedAnswer(RegistrationResponseSchema, answer);
  if (response.status?.status !== Status.OK) throw errorOfAnswer(answer, response);
}

/** @throws {SpawnError} `UNKNOWN_OUTCOME` when there is no answer */
function askToRegister(stream: StreamConnection, body: Uint8Array): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const lose = (reason: string, isUnsent = false): void =>
      reject(failedExchange(new Error(reason), !isUnsent));
    const id = stream.ask(FrameKind.register, body, {
      answered(kind, came) {
        clearTimeout(timer);
        const isDone = kind === FrameKind.done;
        resolve(isDone ? { status: 200, headers: {}, body: came } : refusalOverStream(came));
      },
      lost({ reason, isUnsent }) {
        clearTimeout(timer);
        lose(reason, isUnsent);
      },
    });
    const timer = setTimeout(() => {
      stream.giveUp(id);
      lose("it has not answered a registration");
    }, ANSWER_TIMEOUT_MS);
  });
}

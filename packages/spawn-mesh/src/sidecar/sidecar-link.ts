/**
 * Keeps this program registered.
 *
 * A sidecar forgets its hosts when it restarts. So one connection to it is kept open; when that ends,
 * the program registers again, as soon as there is a sidecar to register with.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isSpawnError } from "../engine/index.ts";
import { RegistrationResponseSchema, Status } from "../protocol/index.ts";
import { HttpExchange } from "./http-exchange.ts";
import type { SidecarAddress } from "./sidecar-address.ts";
import { decodedAnswer, errorOfAnswer } from "./wire-errors.ts";

/** For how long the first registration waits for a sidecar to come up, in milliseconds. */
const START_TIMEOUT_MS = 30_000;
/** Waits between tries to register, in milliseconds: doubled each time. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;
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

export class SidecarLink {
  readonly #http: HttpExchange;
  readonly #body: Uint8Array;
  readonly #hostPort: number;
  readonly #stopped = new AbortController();
  #heartbeat: NodeJS.Timeout | undefined;
  #registeredAt = 0;

  /** @param hostPort where this program listens */
  constructor(address: SidecarAddress, body: Uint8Array, hostPort: number) {
    this.#http = new HttpExchange(address, 1);
    this.#body = body;
    this.#hostPort = hostPort;
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
      try {
        return await this.#registerOnce();
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        const isPassing = isSpawnError(error) && PASSING.has(error.code);
        if (!isPassing || performance.now() > endsAt) throw error;
      }
      await this.#wait(delayMs);
    }
  }

  async #registerOnce(): Promise<void> {
    const { stream, ...head } = await this.#http.open({
      method: "POST",
      path: "/api/v1/system",
      headers: {
        "content-type": "application/octet-stream",
        "spawn-host-port": `${this.#hostPort}`,
      },
      body: this.#body,
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    const { socket } = stream;
    const body = Buffer.concat((await stream.toArray()) as Buffer[]);
    const answer = { ...head, body };
    const response = decodedAnswer(RegistrationResponseSchema, answer);
    if (response.status?.status !== Status.OK) throw errorOfAnswer(answer, response);
    this.#registeredAt = performance.now();
    this.#watch(socket);
  }

  #watch(socket: Socket): void {
    const again = (): void => void this.#registerAgain();
    if (socket.destroyed) again();
    else socket.once("close", again);
  }

  /** The first registration was accepted, so whatever is said against this one may pass. */
  async #registerAgain(): Promise<void> {
    // There are servers that keep no connection.
    if (performance.now() - this.#registeredAt < CONNECTION_MS_MIN) await this.#wait(RETRY_MS_MAX);
    while (!this.#stopped.signal.aborted) {
      try {
        return await this.#register(Infinity);
      } catch {
        await this.#wait(RETRY_MS_MAX);
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

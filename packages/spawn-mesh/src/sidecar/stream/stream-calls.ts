/** Calls over the stream: how many are under way, for how long they are waited for, and how they end. */
import type { SpawnError } from "../../engine/index.ts";
import { FrameKind } from "../../protocol/index.ts";
import type { AnswerKind, Lost, StreamConnection, Waiter } from "../../protocol/index.ts";
import { cancelled, failedExchange, noAnswer } from "../http-exchange.ts";
import type { SidecarStream } from "./sidecar-stream.ts";

/** Calls under way at once, as many as there are connections without a stream; more wait for one to end. */
const UNDER_WAY_MAX = 256;
/** While more bytes than these were not taken by the sidecar, calls wait. */
const UNSENT_BYTES_MAX = 1024 * 1024;
/** How often it is looked for calls whose time is over, in milliseconds. */
const SWEEP_MS = 250;

export interface StreamCallOptions {
  /** Gives up waiting when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up waiting after so many milliseconds. */
  readonly timeoutMs: number;
  /** Whether it waits for no other call: those may wait for what it is part of. */
  readonly isUrgent: boolean;
}

/** What the sidecar says to a call. */
export interface StreamAnswer {
  readonly isDone: boolean;
  readonly body: Buffer;
}

interface Settle {
  /** `undefined`: nothing was sent, and there is no stream any more. */
  resolve(answer: StreamAnswer | undefined): void;
  reject(error: SpawnError): void;
}

export class StreamCalls {
  readonly #stream: SidecarStream;
  /** All that have not ended, those that wait too. */
  readonly #calls = new Set<StreamCall>();
  readonly #waiting = new Set<StreamCall>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(stream: SidecarStream) {
    this.#stream = stream;
    stream.onChange(() => this.#goOn());
  }

  get isOpen(): boolean {
    return this.#stream.current !== undefined;
  }

  /** Opens the stream; resolves when it is open, or none is to be had in so many milliseconds. */
  async open(patienceMs: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#stream.openForCalls(patienceMs, signal);
  }

  /**
   * Makes a call; `undefined` when there is no stream to make it on, and nothing was sent.
   *
   * @throws {SpawnError} `NODE_UNAVAILABLE`, `UNKNOWN_OUTCOME`, `CANCELLED`
   */
  async call(body: Uint8Array, options: StreamCallOptions): Promise<StreamAnswer | undefined> {
    const connection = this.#stream.current;
    if (options.signal?.aborted === true) throw cancelled(false);
    if (connection === undefined) return undefined;
    return await new Promise((resolve, reject) => {
      const call = new StreamCall(body, options, { resolve, reject });
      const isSent = options.isUrgent || this.#hasRoom(connection);
      this.#calls.add(call);
      call.onEnd = () => this.#ended(call);
      this.#sweep ??= setInterval(() => this.#giveUpLate(), SWEEP_MS).unref();
      if (this.#calls.size === 1) this.#stream.keepAlive(true);
      if (isSent) call.send(connection);
      else this.#waiting.add(call);
    });
  }

  #hasRoom(connection: StreamConnection): boolean {
    const underWay = this.#calls.size - this.#waiting.size;
    return underWay < UNDER_WAY_MAX && connection.unsentBytes <= UNSENT_BYTES_MAX;
  }

  #ended(call: StreamCall): void {
    this.#calls.delete(call);
    this.#waiting.delete(call);
    if (this.#waiting.size > 0) this.#goOn();
    if (this.#calls.size > 0) return;
    this.#stream.keepAlive(false);
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  /** Sends what waits, as far as there is room. */
  #goOn(): void {
    const connection = this.#stream.current;
    if (connection === undefined) return this.#goOnWithout();
    for (const call of this.#waiting) {
      if (!this.#hasRoom(connection)) return;
      this.#waiting.delete(call);
      call.send(connection);
    }
  }

  /** Without a stream calls are made in another way; none of them waits while the others are told. */
  #goOnWithout(): void {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    for (const call of calls) call.end((settle) => settle.resolve(undefined));
  }

  #giveUpLate(): void {
    const now = performance.now();
    for (const call of this.#calls) if (call.endsAt <= now) call.giveUp(noAnswer);
  }
}

class StreamCall implements Waiter {
  readonly endsAt: number;
  onEnd: (() => void) | undefined;
  readonly #body: Uint8Array;
  readonly #signal: AbortSignal | undefined;
  readonly #settle: Settle;
  #connection: StreamConnection | undefined;
  #id = 0;

  constructor(body: Uint8Array, { signal, timeoutMs }: StreamCallOptions, settle: Settle) {
    this.#body = body;
    this.#settle = settle;
    this.#signal = signal;
    this.endsAt = performance.now() + timeoutMs;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  send(connection: StreamConnection): void {
    this.#connection = connection;
    this.#id = connection.ask(FrameKind.invoke, this.#body, this);
  }

  answered(kind: AnswerKind, body: Buffer): void {
    this.end((settle) => settle.resolve({ isDone: kind === FrameKind.done, body }));
  }

  lost({ reason, isUnsent }: Lost): void {
    this.end((settle) => {
      if (isUnsent) settle.resolve(undefined);
      else settle.reject(failedExchange(new Error(reason), true));
    });
  }

  /** Nobody waits any more. @param errorOf the error, which knows whether something was sent */
  giveUp(errorOf: (isSent: boolean) => SpawnError): void {
    this.#connection?.giveUp(this.#id);
    this.end((settle) => settle.reject(errorOf(this.#connection !== undefined)));
  }

  end(settle: (settle: Settle) => void): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.onEnd?.();
    settle(this.#settle);
  }

  readonly #onAbort = (): void => this.giveUp(cancelled);
}

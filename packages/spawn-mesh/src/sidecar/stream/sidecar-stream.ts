/**
 * The stream of this program to its sidecar, opened when somebody needs it, and again after it was lost.
 *
 * Where there is none the requests of the protocol do the same. A sidecar that is older, or something
 * between that lets no stream through, is asked for one again after a while.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { FrameKind, StreamConnection } from "../../protocol/index.ts";
import { jittered } from "../jittered.ts";
import type { SidecarAddress } from "../sidecar-address.ts";
import type { HostedRuns } from "./hosted-runs.ts";
import { NEGOTIATION_MS_MAX, openStream } from "./open-stream.ts";
import type { OpenedSocket } from "./open-stream.ts";

/** For how long calls wait for a stream that is being opened, in milliseconds; then they make requests. */
const PATIENCE_MS = 500;
/** For how long calls ask for no stream after a sidecar gave none, at most, in milliseconds. */
const ASK_AGAIN_MS = 30_000;
/** For how long after it could not be reached, at most, in milliseconds. */
const TRY_AGAIN_MS = 1_000;
/** How long a sidecar is waited for that is told that no more runs are begun, in milliseconds. */
const LEAVE_MS_MAX = 2_000;
/** The largest answer or run that is read, in bytes. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const NO_BODY = new Uint8Array(0);
const ENDED_HERE = "this program has ended it";

export class SidecarStream {
  readonly #address: SidecarAddress;
  readonly #runs: HostedRuns | undefined;
  /** Names this program each time that it connects. */
  readonly #program = randomUUID();
  readonly #listeners: (() => void)[] = [];
  #connection: StreamConnection | undefined;
  #opening: Promise<StreamConnection | undefined> | undefined;
  /** Until then calls wait for the stream that is being opened (monotonic milliseconds). */
  #patientUntil = 0;
  /** Calls ask for no stream before that (monotonic milliseconds). */
  #askAt = 0;
  /** The connection on which no frame has come yet. */
  #unproven: StreamConnection | undefined;
  readonly #closing = new AbortController();

  /** @param runs does what the sidecar asks for; `undefined` for a program that hosts nothing */
  constructor(address: SidecarAddress, runs?: HostedRuns) {
    this.#address = address;
    this.#runs = runs;
  }

  /** Has it told when calls that wait may go on: something was taken, or the connection is lost. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The connection that is open, if there is one. */
  get current(): StreamConnection | undefined {
    return this.#connection;
  }

  /**
   * Opens a connection for calls if there is none; resolves when there is one, or none is to be had soon.
   *
   * @param patienceMs for how long it is waited for at the most
   * @param signal gives up waiting for it
   */
  async openForCalls(patienceMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#connection !== undefined) return;
    const isWorthIt = this.#opening !== undefined || performance.now() >= this.#askAt;
    if (!isWorthIt) return;
    // When it cannot be opened, a request of the protocol says what is the matter.
    const opening = this.open().catch(() => undefined);
    const leftMs = Math.min(this.#patientUntil - performance.now(), patienceMs);
    await settledWithin(opening, leftMs, signal);
  }

  /**
   * The connection, opened if there is none; `undefined` from a sidecar that gives none.
   *
   * @throws {SpawnError} `NODE_UNAVAILABLE` when the sidecar cannot be reached at the moment
   */
  open(): Promise<StreamConnection | undefined> {
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    if (this.#opening === undefined) {
      this.#opening = this.#open().finally(() => (this.#opening = undefined));
      this.#patientUntil = performance.now() + PATIENCE_MS;
    }
    return this.#opening;
  }

  /** Whether it keeps the process alive. A program that hosts actors stays, as long as it has a stream. */
  keepAlive(isKept: boolean): void {
    this.#connection?.keepAlive(isKept || this.#runs !== undefined);
  }

  /** Says that no more runs are begun here; resolves when no more come, or nobody has answered for long. */
  leave(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LEAVE_MS_MAX);
      const end = (): void => {
        clearTimeout(timer);
        resolve();
      };
      connection.ask(FrameKind.leaving, NO_BODY, { answered: end, lost: end });
    });
  }

  close(): void {
    this.#closing.abort();
    this.#unproven?.close(ENDED_HERE);
    this.#connection?.end(ENDED_HERE);
  }

  async #open(): Promise<StreamConnection | undefined> {
    this.#askAt = performance.now() + jittered(TRY_AGAIN_MS);
    const opened = await openStream(this.#address, this.#program, this.#closing.signal);
    const connection = opened && (await this.#begun(opened));
    if (connection === undefined) {
      this.#askAt = performance.now() + jittered(ASK_AGAIN_MS);
      return undefined;
    }
    if (this.#closing.signal.aborted) connection.close(ENDED_HERE);
    // It may have ended with what came behind the first frame.
    if (!connection.isOpen) return undefined;
    this.#askAt = 0;
    this.#connection = connection;
    this.keepAlive(false);
    return connection;
  }

  /** The connection when a first frame has come through; `undefined` when none comes. */
  #begun({ socket, head }: OpenedSocket): Promise<StreamConnection | undefined> {
    return new Promise((resolve) => {
      const runs = this.#runs;
      const limits = { bodyBytesMax: BODY_BYTES_MAX };
      const connection: StreamConnection = new StreamConnection(socket, limits, {
        asked: (kind, id, body) => {
          if (kind === FrameKind.run && runs !== undefined) runs.run(connection, id, body);
          else connection.answer(id, FrameKind.declined);
        },
        tooLarge: (_kind, id, bytes) => runs?.refuse(connection, id, bytes),
        cancelled: (id) => runs?.cancel(connection, id),
        beat: () => {
          clearTimeout(timer);
          this.#unproven = undefined;
          resolve(connection);
        },
        drained: () => this.#changed(),
        closed: () => {
          clearTimeout(timer);
          resolve(undefined);
          this.#lost(connection);
        },
      });
      const timer = setTimeout(() => connection.close("no frame came"), NEGOTIATION_MS_MAX);
      this.#unproven = connection;
      connection.begin(head);
    });
  }

  #lost(connection: StreamConnection): void {
    this.#runs?.lost(connection);
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Resolves when a promise does, when the signal aborts, and after so long in any case. */
async function settledWithin(
  promise: Promise<unknown>,
  timeoutMs: number,
  aborted: AbortSignal | undefined,
): Promise<void> {
  const waiting = new AbortController();
  const signal = AbortSignal.any([waiting.signal, ...(aborted === undefined ? [] : [aborted])]);
  await Promise.race([
    promise,
    sleep(Math.max(0, timeoutMs), undefined, { signal, ref: false }).catch(() => undefined),
  ]);
  waiting.abort();
}

/**
 * A host that is reached over the stream that it opened. It comes and goes with its connections, and is
 * known again by the name that it gives itself.
 */
import { FrameKind } from "spawn-mesh/protocol";
import type { Lost, Spelling, StreamConnection } from "spawn-mesh/protocol";
import type { ActorHostOptions } from "../host/actor-host.ts";
import { HostUnavailable } from "../host/host-program.ts";
import type { HostAnswer, HostCall, HostProgram } from "../host/host-program.ts";
import { BadResponse } from "../host/http-response.ts";

/** While more bytes than these were not taken by the host, runs wait. */
const UNSENT_BYTES_MAX = 1024 * 1024;

export class StreamHost implements HostProgram {
  readonly place: { readonly stream: string };
  /** The same for all: each start of a program has another one, and they are counted by it. */
  readonly name: string = "stream";
  spelling: Spelling = "eigr.functions.protocol";
  readonly #options: ActorHostOptions;
  #stream: StreamConnection | undefined;
  /** Runs that wait for their turn. */
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  /** Of the runs under way, how many wait for calls that their actions make. */
  #waits = 0;

  constructor(name: string, options: ActorHostOptions) {
    this.place = { stream: name };
    this.#options = options;
  }

  get isGone(): boolean {
    return this.#stream === undefined;
  }

  /** Runs go over this stream from now on. */
  attach(stream: StreamConnection): void {
    this.#stream = stream;
    this.goOn();
  }

  /** No more runs go over this stream; those under way are answered, or lost with it. */
  detach(stream: StreamConnection): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.goOn();
  }

  async call(call: HostCall, signal: AbortSignal): Promise<HostAnswer> {
    return await this.#options.observer.hostCall({ ...call, host: this.name }, async () => {
      while (!this.#hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return await this.#ask(call.body, signal);
    });
  }

  beginWait(): void {
    this.#waits++;
    this.goOn();
  }

  endWait(): void {
    this.#waits--;
  }

  /** Lets runs go that wait, as far as there is room. */
  goOn(): void {
    const { length } = this.#waiting;
    for (let count = 0; count < length && this.#hasRoom; count++) this.#waiting.shift()!();
  }

  close(): void {
    this.#stream = undefined;
    this.goOn();
  }

  /** Whether one more run can be sent. Without a stream none has to wait: it fails. */
  get #hasRoom(): boolean {
    if (this.#stream === undefined) return true;
    const isPlace = this.#underWay - this.#waits < this.#options.connectionsMax;
    return isPlace && this.#stream.unsentBytes <= UNSENT_BYTES_MAX;
  }

  #ask(body: Uint8Array, signal: AbortSignal): Promise<HostAnswer> {
    signal.throwIfAborted();
    const stream = this.#stream;
    if (stream === undefined) throw new HostUnavailable("the host has no stream open", true);
    return new Promise((resolve, reject) => {
      this.#underWay++;
      const end = (): void => {
        this.#underWay--;
        signal.onabort = null;
        if (this.#waiting.length > 0) this.goOn();
      };
      const id = stream.ask(FrameKind.run, body, {
        answered(kind, answer) {
          end();
          if (kind === FrameKind.declined) {
            reject(new HostUnavailable("the host begins no more runs", true));
          } else resolve({ status: kind === FrameKind.done ? 200 : 500, body: answer });
        },
        lost(lost) {
          end();
          reject(errorOf(lost));
        },
      });
      signal.onabort = () => {
        stream.giveUp(id);
        end();
        reject(signal.reason as Error);
      };
    });
  }
}

function errorOf({ reason, isTooLarge }: Lost): Error {
  return isTooLarge
    ? new BadResponse(reason)
    : new HostUnavailable(`the host has not answered: ${reason}`, false);
}

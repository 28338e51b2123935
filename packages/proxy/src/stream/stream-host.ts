/**
 * A host that is reached over the stream that it opened. It comes and goes with its connections, and is
 * known again by the name that it gives itself.
 */
import type { Cancellation } from "spawn-mesh/engine";
import { FrameKind } from "spawn-mesh/protocol";
import type { Lost, Spelling, StreamConnection } from "spawn-mesh/protocol";
import type { ActorHostOptions } from "../host/actor-host.ts";
import { HostUnavailable } from "../host/host-program.ts";
import type { HostAnswer, HostCall, HostProgram } from "../host/host-program.ts";
import { BadResponse } from "../host/http-response.ts";
import { RunPlaces } from "../host/run-places.ts";

/** While more bytes than these were not taken by the host, runs wait. */
const UNSENT_BYTES_MAX = 1024 * 1024;

export class StreamHost implements HostProgram {
  readonly place: { readonly stream: string };
  /** The same for all: each start of a program has another one, and they are counted by it. */
  readonly name: string = "stream";
  spelling: Spelling = "eigr.functions.protocol";
  readonly #options: ActorHostOptions;
  #stream: StreamConnection | undefined;
  readonly #places: RunPlaces = new RunPlaces(() => this.#runsMax);

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

  call(call: HostCall, cancellation: Cancellation): Promise<HostAnswer> {
    return this.#options.observer.hostCall({ ...call, host: this.name }, async () => {
      const place = this.#places.take(cancellation);
      if (place !== undefined) await place;
      try {
        return await this.#ask(call, cancellation);
      } finally {
        this.#places.release();
      }
    });
  }

  beginWait(): void {
    this.#places.beginWait();
  }

  endWait(): void {
    this.#places.endWait();
  }

  /** Lets runs go that wait, as far as there is room. */
  goOn(): void {
    this.#places.goOn();
  }

  close(): void {
    this.#stream = undefined;
    this.goOn();
  }

  /** How many can run. Without a stream none has to wait: it fails. */
  get #runsMax(): number {
    if (this.#stream === undefined) return Infinity;
    return this.#stream.unsentBytes > UNSENT_BYTES_MAX ? 0 : this.#options.connectionsMax;
  }

  #ask({ body, actor }: HostCall, cancellation: Cancellation): Promise<HostAnswer> {
    if (cancellation.reason !== undefined) throw cancellation.reason;
    const stream = this.#stream;
    if (stream === undefined) {
      throw new HostUnavailable(`the host of ${actor} is away: it has no stream open`, true);
    }
    return new Promise((resolve, reject) => {
      const end = (): void => (cancellation.listener = undefined);
      const id = stream.ask(FrameKind.run, body, {
        answered(kind, answer) {
          end();
          if (kind === FrameKind.declined) {
            reject(new HostUnavailable(`the host of ${actor} begins no more runs`, true));
          } else resolve({ status: kind === FrameKind.done ? 200 : 500, body: answer });
        },
        lost(lost) {
          end();
          reject(errorOf(lost, actor));
        },
      });
      cancellation.listener = () => {
        stream.giveUp(id);
        end();
        reject(cancellation.reason!);
      };
    });
  }
}

function errorOf({ reason, isTooLarge, isUnsent }: Lost, actor: string): Error {
  return isTooLarge
    ? new BadResponse(reason)
    : new HostUnavailable(`the host of ${actor} has not answered: ${reason}`, isUnsent);
}

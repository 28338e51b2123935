/** Channels of a system beside a sidecar: publishing is a request, listening a stream of events. */
import { setTimeout as sleep } from "node:timers/promises";
import { SpawnError, checkName, defaultLimits } from "../engine/index.ts";
import type { ChannelListener, EventListener, Publication } from "../engine/index.ts";
import { copyBounded } from "../engine/values/values.ts";
import { eventsIn } from "./event-stream.ts";
import { jsonOfValue, valueOfJson } from "../protocol/index.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { jittered } from "./jittered.ts";
import { idInJson } from "./wire-errors.ts";

/** Waits before listening again after the stream has ended, in milliseconds: doubled each time, and jittered. */
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 5_000;
const PUBLISH_TIMEOUT_MS = 60_000;

export class SidecarChannels {
  readonly #http: HttpExchange;
  readonly #system: string;
  readonly #emit: EventListener;
  readonly #listening = new Set<AbortController>();

  constructor(http: HttpExchange, system: string, emit: EventListener) {
    this.#http = http;
    this.#system = system;
    this.#emit = emit;
  }

  /** Sends a payload to all subscribers; answers the id of the broadcast when it is stored. @throws {SpawnError} */
  async publish(channel: string, payload: unknown): Promise<string> {
    checkName("channel", channel);
    const copied = copyBounded(payload, "payload", defaultLimits.payloadBytesMax);
    const answer = await this.#http.send({
      method: "POST",
      path: this.#pathOf(channel),
      headers: { "content-type": "application/json" },
      body: copied === undefined ? "" : JSON.stringify(jsonOfValue(copied)),
      timeoutMs: PUBLISH_TIMEOUT_MS,
    });
    return idInJson(answer);
  }

  /** Listens until the function that it returns is called, again after each loss of the sidecar. */
  subscribe(channel: string, listener: ChannelListener): () => void {
    checkName("channel", channel);
    if (typeof listener !== "function") {
      const came = typeof listener;
      throw new SpawnError("INVALID_ARGUMENT", `listener: expected a function, got ${came}`);
    }
    const ending = new AbortController();
    this.#listening.add(ending);
    void this.#listen(channel, listener, ending.signal);
    return () => {
      ending.abort();
      this.#listening.delete(ending);
    };
  }

  close(): void {
    for (const ending of this.#listening) ending.abort();
    this.#listening.clear();
  }

  async #listen(channel: string, listener: ChannelListener, signal: AbortSignal): Promise<void> {
    const tell = (publication: Publication): void => {
      try {
        listener(publication);
      } catch (error) {
        this.#emit({ type: "listener-failed", channel, error });
      }
    };
    for (
      let delayMs = RETRY_MS_MIN;
      !signal.aborted;
      delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)
    ) {
      try {
        for await (const publication of this.#publications(channel, signal)) {
          delayMs = RETRY_MS_MIN;
          tell(publication);
        }
      } catch {
        // What is said while nobody listens is not told again: no promise is broken.
      }
      await sleep(jittered(delayMs), undefined, { signal }).catch(() => undefined);
    }
  }

  async *#publications(channel: string, signal: AbortSignal): AsyncIterable<Publication> {
    const headers = { accept: "text/event-stream" };
    const path = this.#pathOf(channel);
    const { stream, status } = await this.#http.open({ method: "GET", path, headers, signal });
    if (status !== 200) return void stream.destroy();
    for await (const data of eventsIn(stream, "publication")) {
      const { publisher, payload, ...said } = JSON.parse(data) as Publication;
      yield { ...said, publisher: publisher ?? undefined, payload: valueOfJson(payload) };
    }
  }

  #pathOf(channel: string): string {
    return `/api/v1/system/${encodeURIComponent(this.#system)}/channels/${encodeURIComponent(channel)}`;
  }
}

/** One that listens to a channel: an answer that goes on, as server-sent events, until somebody ends it. */
import type { ServerResponse } from "node:http";
import { SpawnError } from "spawn-mesh/engine";
import type { Publication } from "spawn-mesh/engine";
import { describeError, jsonOf } from "../http/json-answers.ts";

export interface ListenerLimits {
  /** Bytes that wait to be read by one of them. */
  readonly unreadBytesMax: number;
  /** How often a silent stream says that it is alive, in milliseconds. */
  readonly heartbeatMs: number;
}

/** Time for one that was cut off to read what it has missed, in milliseconds. */
const FAREWELL_MS = 5_000;

export class ChannelListener {
  readonly #limits: ListenerLimits;
  readonly #onEnd: () => void;
  #response: ServerResponse | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(limits: ListenerLimits, onEnd: () => void) {
    this.#limits = limits;
    this.#onEnd = onEnd;
  }

  begin(response: ServerResponse): void {
    this.#response = response;
    response.on("close", () => this.#leave());
    const beat = (): void => this.#write(": still here\n\n");
    this.#heartbeat = setInterval(beat, this.#limits.heartbeatMs).unref();
    if (response.destroyed) this.#leave();
  }

  tell({ channel, payload, id, publisher }: Publication): void {
    const said = JSON.stringify({ channel, id, publisher: publisher ?? null });
    // It is written as it came: a number that JavaScript would round, and spaces, but no new line.
    const json = jsonOf(payload)?.replaceAll(/[\r\n]/g, " ");
    const data = json === undefined ? said : `${said.slice(0, -1)},"payload":${json}}`;
    this.#write(`event: publication\nid: ${id}\ndata: ${data}\n\n`);
  }

  /** Says why, and ends the stream. */
  end(error: SpawnError): void {
    const response = this.#response;
    if (this.#isOver || response === undefined) return this.#leave();
    this.#leave();
    response.end(`event: end\ndata: ${JSON.stringify({ error: describeError(error) })}\n\n`);
    setTimeout(() => response.destroy(), FAREWELL_MS).unref();
  }

  #write(text: string): void {
    const response = this.#response;
    if (this.#isOver || response === undefined) return;
    const { unreadBytesMax } = this.#limits;
    const unread = response.writableLength;
    if (unread === 0 || unread + Buffer.byteLength(text) <= unreadBytesMax) {
      return void response.write(text);
    }
    this.end(
      new SpawnError(
        "OVERLOADED",
        `${unread} bytes were not read in time; at most ${unreadBytesMax} wait for one listener`,
      ),
    );
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#onEnd();
  }
}

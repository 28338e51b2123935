/**
 * Answers that were given and are still here, because whoever asked does not read them.
 *
 * One that is not read in time, and the oldest of all when there is too much of it, is forgotten together
 * with its connection.
 */
import type { ServerResponse } from "node:http";

export interface UnreadLimits {
  /** How long an answer may take to be read, in milliseconds. */
  readonly msMax: number;
  /** Bytes of all of them. */
  readonly bytesMax: number;
}

interface Unread {
  readonly bytes: number;
  readonly since: number;
  readonly giveUp: () => void;
}

const LOOK_PERIOD_MS = 500;

export class UnreadAnswers {
  readonly #limits: UnreadLimits;
  /** The oldest first. */
  readonly #unread = new Set<Unread>();
  #bytes = 0;
  #look: NodeJS.Timeout | undefined;

  constructor(limits: UnreadLimits) {
    this.#limits = limits;
  }

  /** An answer was written; most are on their way by then. */
  watch(response: ServerResponse): void {
    const bytes = response.writableLength;
    if (bytes === 0 || response.destroyed || !response.writableEnded) return;
    response.once(
      "close",
      this.add(bytes, () => response.destroy()),
    );
  }

  /**
   * So many bytes of an answer are not read yet.
   *
   * @param giveUp ends the connection
   * @returns tells that they were read, or never will be
   */
  add(bytes: number, giveUp: () => void): () => void {
    const unread: Unread = { bytes, since: performance.now(), giveUp };
    this.#unread.add(unread);
    this.#bytes += bytes;
    this.#look ??= setInterval(() => this.#giveUpOld(), LOOK_PERIOD_MS).unref();
    while (this.#bytes > this.#limits.bytesMax && this.#unread.size > 1) this.#giveUpOldest();
    return () => this.#forget(unread);
  }

  #giveUpOld(): void {
    if (this.#unread.size === 0) {
      clearInterval(this.#look);
      this.#look = undefined;
    }
    const oldest = performance.now() - this.#limits.msMax;
    for (const { since } of this.#unread) {
      if (since > oldest) return;
      this.#giveUpOldest();
    }
  }

  #giveUpOldest(): void {
    const [oldest] = this.#unread;
    this.#forget(oldest!);
    oldest!.giveUp();
  }

  #forget(unread: Unread): void {
    if (this.#unread.delete(unread)) this.#bytes -= unread.bytes;
  }
}

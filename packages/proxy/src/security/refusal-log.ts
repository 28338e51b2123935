/** Tells of those who were turned away, but no more than a reader needs: who knocks a lot fills no disk. */
import type { SpawnError } from "spawn-mesh/engine";
import type { Log } from "../log.ts";
import type { Peer } from "./peer.ts";

const LINES_A_SECOND_MAX = 10;

export class RefusalLog {
  readonly #log: Log;
  readonly #now: () => number;
  #second = 0;
  #told = 0;
  /** How many were not told of since the last line. */
  #untold = 0;

  /** @param now the time in milliseconds */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  tell({ from, address }: Peer, { message: reason }: SpawnError): void {
    const second = Math.floor(this.#now() / 1_000);
    if (second !== this.#second) this.#told = 0;
    this.#second = second;
    if (this.#told >= LINES_A_SECOND_MAX) {
      this.#untold++;
      return;
    }
    this.#told++;
    const untold = this.#untold > 0 && { untold: this.#untold };
    this.#log("warning", "refused", { from, address, reason, ...untold });
    this.#untold = 0;
  }
}

/** Messages of `effects` that come again and again, sent by nobody's action: every beat comes, however late. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Ask } from "./effects-asking.ts";
import { BEAT_MS, METRONOMES } from "./effects-nodes.ts";
import type { TickerRecord } from "./effects-nodes.ts";
import type { Metronome } from "./effects-report.ts";

export class Metronomes {
  readonly #ask: Ask;
  readonly #since: { readonly from: number; readonly to: number }[] = [];
  readonly #beatsMs: Metronome["beatsMs"][] = [];

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async start(): Promise<void> {
    const repeat = { everyMs: BEAT_MS, catchUp: "all" } as const;
    for (const name of METRONOMES) {
      const from = Date.now();
      const message = { definition: "metronome", action: "beat", id: beatOf(name), ...repeat };
      await this.#ask({ type: "send", name, message });
      this.#since.push({ from, to: Date.now() });
    }
  }

  /** Cancels the beats. */
  async stop(): Promise<void> {
    for (const [at, name] of METRONOMES.entries()) {
      const { from, to } = this.#since[at]!;
      const min = Date.now() - to;
      await this.#ask({ type: "cancel", id: beatOf(name) });
      this.#beatsMs.push({ min, max: Date.now() - from });
    }
  }

  /** How often they came, and whether that was all. */
  async found(): Promise<readonly Metronome[]> {
    const before = await this.#records();
    await sleep(2 * BEAT_MS);
    const after = await this.#records();
    return this.#beatsMs.map((beatsMs, at) => {
      const record = before[at]!;
      return { record, beatsMs, ticksAfterCancel: after[at]!.ticks - record.ticks };
    });
  }

  async #records(): Promise<readonly TickerRecord[]> {
    const request = { type: "states", definition: "metronome", names: METRONOMES } as const;
    return (await this.#ask(request)) as readonly TickerRecord[];
  }
}

function beatOf(metronome: string): string {
  return `beat:${metronome}`;
}

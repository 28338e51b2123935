/**
 * `effects`: the promise that whatever an action sent happens exactly once and in order, put to real
 * processes.
 *
 * A worker embeds a thousand actors on a SQLite file. This process sets waves of messages going, which
 * pass through many actors, as effects, pipes, forwards, broadcasts and delayed calls, while timers
 * tick. Some messages fail now and then, some have to be retried by hand, and one ends its process
 * whenever it is delivered. The worker is killed with SIGKILL about once a second. Then nothing new is
 * begun, and when everything has come to rest all actors say what they sent and what they received.
 * Both are part of their states, so every message whose sending was committed must have been received
 * by a commit, and no other.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "spawn-mesh";
import { seededRandom } from "spawn-mesh/testing";
import { asking, recordsOf } from "./effects-asking.ts";
import type { Ask } from "./effects-asking.ts";
import { EffectsCallers } from "./effects-callers.ts";
import { checkEffects } from "./effects-checker.ts";
import { EffectsLedger } from "./effects-ledger.ts";
import { Metronomes } from "./effects-metronomes.ts";
import { GATE, LISTENERS, NODES, POISON, TICKERS } from "./effects-nodes.ts";
import type { OutboxFigures, TickerRecord } from "./effects-nodes.ts";
import { effectsReport } from "./effects-report.ts";
import type { Floor } from "./effects-report.ts";
import type { WorkerProgram } from "./killable-worker.ts";
import { RestartedWorker } from "./restarted-worker.ts";
import type { Scenario, ScenarioOptions, ScenarioReport } from "./scenario.ts";

/** Callers that begin waves. */
const CALLERS = 6;
/** A kill comes at random between these times after the start of a life. */
const KILL_AFTER_MS_MIN = 300;
const KILL_AFTER_MS_MAX = 1_400;
/** A run of so many kills or seconds is a full one, and has to show something. */
const FULL: Floor = { kills: 50, consumed: 10_000 };
const FULL_SECONDS = 60;
const CONSUMED_PER_KILL_MIN = 200;
/** How often a message is tried: so often that kills alone let none be given up, however many there are. */
const ATTEMPTS_SHORT = 4;
const ATTEMPTS_FULL = 5;
/** The longest that everything may take to come to rest. */
const REST_MS_MAX = 240_000;
/** The same, when the run has failed already. */
const REST_MS_FAILED = 5_000;
const REST_STEP_MS = 250;
const FAR_AWAY_MS = 24 * 60 * 60 * 1_000;

export const effects: Scenario = {
  summary: "a process is killed while a thousand actors send one another messages",
  killsDefault: FULL.kills,
  mutations: ["effect-before-commit", "no-batch-dedupe", "sweeper-without-attempts", "fifo-off"],
  run: (options) => new Effects(options).run(),
};

class Effects {
  readonly #options: ScenarioOptions;
  readonly #random: Random;
  readonly #ledger = new EffectsLedger();
  readonly #isFull: boolean;
  readonly #attemptsMax: number;
  #ask: Ask = () => Promise.reject(new Error("the worker is not started"));
  #startedAtMs = 0;
  #kills = 0;
  /** How often poison ended the process. */
  #deaths = 0;
  #retried = 0;

  constructor(options: ScenarioOptions) {
    const { kills, seconds = Infinity, seed } = options;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#isFull = Math.min(kills / FULL.kills, seconds / FULL_SECONDS) >= 1;
    this.#attemptsMax = this.#isFull ? ATTEMPTS_FULL : ATTEMPTS_SHORT;
    mkdirSync(options.directory, { recursive: true });
    writeFileSync(this.#file("outside.log"), "");
  }

  async run(): Promise<ScenarioReport> {
    const { progress } = this.#options;
    this.#startedAtMs = performance.now();
    const worker = await RestartedWorker.start(this.#program, { onDeath: () => this.#died() });
    this.#ask = asking(worker);
    const metronomes = new Metronomes(this.#ask);
    const callers = new EffectsCallers({
      worker,
      random: this.#random,
      ledger: this.#ledger,
      onRefused: (message) => progress.note(`refused: ${message}`),
    });
    await this.#sendFarAway();
    await metronomes.start();
    await this.#sendPoison(callers);
    const underWay = Array.from({ length: CALLERS }, () => callers.push());
    underWay.push(callers.callLater());
    await this.#killOverAndOver(worker);
    callers.isOver = true;
    await Promise.all(underWay);
    await this.#restFromPoison();
    await this.#ask({ type: "hush" });
    this.#mend();
    const outbox = await this.#rest();
    const report = await this.#check(outbox, metronomes);
    await worker.stop();
    return report;
  }

  get #program(): WorkerProgram {
    const { workspace } = this.#options;
    const files = ["state.db", "outside.log", "mended"].map((name) => this.#file(name));
    return {
      program: join(workspace, "chaos/effects-worker.ts"),
      args: [...files, String(this.#attemptsMax)],
      compileCache: this.#file("compiled"),
    };
  }

  #file(name: string): string {
    return join(this.#options.directory, name);
  }

  /** One message is due tomorrow. */
  async #sendFarAway(): Promise<void> {
    const message = { definition: "node", action: "later", delayMs: FAR_AWAY_MS, id: "far-away" };
    await this.#ask({ type: "send", name: "n0", message });
  }

  /**
   * Sends a message that ends the process whenever it is delivered. In a full run another one is sent
   * by an actor, with messages in front of it and behind it.
   */
  async #sendPoison(callers: EffectsCallers): Promise<void> {
    const message = { definition: "node", action: POISON, id: POISON };
    await this.#ask({ type: "send", name: "n500", message });
    if (!this.#isFull) return;
    const number = ++this.#ledger.pushes;
    const push = { number, seed: 0, hops: 0 };
    await callers.begin({ type: "push", name: "n600", via: "poison", push, key: "poison" });
  }

  get #poisons(): number {
    return this.#isFull ? 2 : 1;
  }

  /** Of a poison that an actor sends the first delivery comes from its commit, and is not counted. */
  get #deathsMax(): number {
    return this.#poisons * this.#attemptsMax + this.#poisons - 1;
  }

  #died(): void {
    // Nothing else would go on.
    if (++this.#deaths > this.#deathsMax) this.#mend();
  }

  /** From now on poison does no harm, and what was refused outside is done. */
  #mend(): void {
    writeFileSync(this.#file("mended"), "");
  }

  async #killOverAndOver(worker: RestartedWorker): Promise<void> {
    const { kills, seconds = Infinity } = this.#options;
    while (this.#kills < kills && this.#elapsedSeconds() < seconds) {
      const span = KILL_AFTER_MS_MAX - KILL_AFTER_MS_MIN;
      // The life begins when it answers.
      await this.#ask({ type: "outbox" });
      await sleep(KILL_AFTER_MS_MIN + this.#random.fraction() * span);
      this.#kills++;
      await worker.kill();
      this.#showProgress();
    }
  }

  /** Waits until the poison is given up, or was taken out of the world because that never happens. */
  async #restFromPoison(): Promise<void> {
    const until = performance.now() + REST_MS_MAX;
    while (performance.now() < until && this.#deaths <= this.#deathsMax) {
      const outbox = (await this.#ask({ type: "outbox" })) as OutboxFigures;
      if (poisonIn(outbox) === this.#poisons) return;
      this.#options.progress.show(() => `${this.#deaths} deaths of poison`);
      await sleep(REST_STEP_MS);
    }
  }

  /** Waits until nothing is due any more; what is left then is due later, or parked, or stuck. */
  async #rest(): Promise<OutboxFigures> {
    const { progress } = this.#options;
    const hasFailed = this.#deaths > this.#deathsMax;
    const until = performance.now() + (hasFailed ? REST_MS_FAILED : REST_MS_MAX);
    for (;;) {
      const outbox = (await this.#ask({ type: "outbox" })) as OutboxFigures;
      const ids = outbox.parked.filter(({ target }) => target === GATE).map(({ id }) => id);
      if (performance.now() > until || (outbox.due === 0 && ids.length === 0)) return outbox;
      this.#retried += ids.length;
      if (ids.length > 0) await this.#ask({ type: "retry", ids });
      progress.show(() => `coming to rest: ${outbox.due} messages are due`);
      await sleep(REST_STEP_MS);
    }
  }

  async #check(outbox: OutboxFigures, metronomes: Metronomes): Promise<ScenarioReport> {
    await metronomes.stop();
    const nodes = await recordsOf(
      this.#ask,
      Array.from({ length: NODES }, (_, at) => `n${at}`),
      "node",
    );
    const listeners = await recordsOf(this.#ask, LISTENERS);
    const tickers = (await this.#ask({
      type: "states",
      names: TICKERS,
    })) as readonly TickerRecord[];
    const sent = tickers.map((ticker, at) => [TICKERS[at]!, { [`n${at}`]: ticker.sent }] as const);
    const outside = readFileSync(this.#file("outside.log"), "utf8").split("\n").filter(Boolean);
    const done = new Set(outside).size;
    const evidence = { nodes, listeners, tickers: new Map(sent), ledger: this.#ledger, outside };
    return effectsReport({
      floor: this.#floor,
      kills: this.#kills,
      ledger: this.#ledger,
      verdict: checkEffects(evidence),
      outbox,
      poison: {
        sent: this.#poisons,
        parked: poisonIn(outbox),
        deaths: this.#deaths,
        deathsMax: this.#deathsMax,
      },
      tickers,
      metronomes: await metronomes.found(),
      outside: { done, again: outside.length - done },
      retried: this.#retried,
      seconds: this.#elapsedSeconds(),
    });
  }

  get #floor(): Floor {
    const { kills } = this.#options;
    if (this.#isFull) return FULL;
    return {
      kills: Number.isFinite(kills) && this.#options.seconds === undefined ? kills : 0,
      consumed: this.#kills * CONSUMED_PER_KILL_MIN,
    };
  }

  #elapsedSeconds(): number {
    return (performance.now() - this.#startedAtMs) / 1000;
  }

  #showProgress(): void {
    this.#options.progress.show(() => {
      const of = this.#options.kills < Infinity ? ` of ${this.#options.kills}` : "";
      const waves = `${this.#ledger.acknowledged.toLocaleString("en-US")} waves begun`;
      return `kill ${this.#kills}${of} · ${waves} · ${this.#elapsedSeconds().toFixed(0)} s`;
    });
  }
}

/** How much of the poison is given up. */
function poisonIn({ parked }: OutboxFigures): number {
  return parked.filter(({ action }) => action === POISON).length;
}

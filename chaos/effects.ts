/**
 * `effects`: the promise that whatever an action sent happens exactly once and in order, put to real
 * processes.
 *
 * A worker embeds a thousand actors on a SQLite file. This process sets waves of messages going, which
 * pass through many actors, as effects, pipes and delayed calls, while timers tick. The worker is killed
 * with SIGKILL about once a second. Then nothing new is begun, and when everything has come to rest all
 * actors say what they sent and what they received. Both are part of their states, so every message
 * whose sending was committed must have been received by a commit, and no other.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "spawn-mesh";
import { seededRandom } from "spawn-mesh/testing";
import { checkEffects } from "./effects-checker.ts";
import { effectsReport } from "./effects-report.ts";
import type { EffectsTally } from "./effects-report.ts";
import { NODES } from "./effects-nodes.ts";
import type { EffectsRequest, NodeRecord, OutboxFigures } from "./effects-nodes.ts";
import type { WorkerProgram } from "./killable-worker.ts";
import { RestartedWorker } from "./restarted-worker.ts";
import type { Scenario, ScenarioOptions, ScenarioReport } from "./scenario.ts";

/** Waves that are begun at the same time. */
const IN_FLIGHT = 16;
/** Through how many actors a wave goes. */
const HOPS_MAX = 8;
/** A kill comes at random between these times after the start of a life. */
const KILL_AFTER_MS_MIN = 300;
const KILL_AFTER_MS_MAX = 1_200;
/** The longest that everything may take to come to rest. */
const REST_MS_MAX = 240_000;
const REST_STEP_MS = 250;
const RECORDS_AT_ONCE = 100;

export const effects: Scenario = {
  summary: "a process is killed while a thousand actors send one another messages",
  killsDefault: 50,
  run: (options) => new Effects(options).run(),
};

class Effects {
  readonly #options: ScenarioOptions;
  readonly #random: Random;
  readonly #tally: EffectsTally = { kills: 0, pushes: 0, acknowledged: 0, refused: 0 };
  #startedAtMs = 0;
  #isOver = false;

  constructor(options: ScenarioOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    mkdirSync(options.directory, { recursive: true });
  }

  async run(): Promise<ScenarioReport> {
    this.#startedAtMs = performance.now();
    const worker = await RestartedWorker.start(this.#program);
    const callers = Array.from({ length: IN_FLIGHT }, () => this.#pushUntilOver(worker));
    await this.#killOverAndOver(worker);
    this.#isOver = true;
    await Promise.all(callers);
    await asked(worker, { type: "hush" });
    const outbox = await this.#rest(worker);
    const report = await this.#check(worker, outbox);
    await worker.stop();
    return report;
  }

  get #program(): WorkerProgram {
    const { workspace, directory } = this.#options;
    return {
      program: join(workspace, "chaos/effects-worker.ts"),
      args: [join(directory, "state.db"), this.#outsideFile],
      compileCache: join(directory, "compiled"),
    };
  }

  get #outsideFile(): string {
    return join(this.#options.directory, "outside.log");
  }

  async #killOverAndOver(worker: RestartedWorker): Promise<void> {
    const { kills, seconds = Infinity } = this.#options;
    while (this.#tally.kills < kills && this.#elapsedSeconds() < seconds) {
      const span = KILL_AFTER_MS_MAX - KILL_AFTER_MS_MIN;
      // The life begins when it answers.
      await asked(worker, { type: "outbox" });
      await sleep(KILL_AFTER_MS_MIN + this.#random.fraction() * span);
      this.#tally.kills++;
      await worker.kill();
      this.#showProgress();
    }
  }

  async #pushUntilOver(worker: RestartedWorker): Promise<void> {
    while (!this.#isOver) {
      const number = ++this.#tally.pushes;
      const name = `n${Math.floor(this.#random.fraction() * NODES)}`;
      const seed = Math.floor(this.#random.fraction() * 2 ** 31);
      const push = { seed, hops: 1 + (seed % HOPS_MAX) };
      await this.#pushUntilAnswered(worker, { type: "push", name, push, key: `push ${number}` });
      this.#showProgress();
    }
  }

  async #pushUntilAnswered(worker: RestartedWorker, request: EffectsRequest): Promise<void> {
    for (;;) {
      const answer = await worker.ask(request);
      if (answer.type === "reply") {
        this.#tally.acknowledged++;
        return;
      }
      if (answer.type === "gone") continue;
      if (!answer.refusal.retryable && answer.refusal.applied !== "unknown") {
        this.#tally.refused++;
        this.#options.progress.note(`refused: ${answer.refusal.message}`);
        return;
      }
    }
  }

  /** Waits until nothing is due any more; what is left then is due later, or parked, or stuck. */
  async #rest(worker: RestartedWorker): Promise<OutboxFigures> {
    const { progress } = this.#options;
    const until = performance.now() + REST_MS_MAX;
    for (;;) {
      const outbox = (await asked(worker, { type: "outbox" })) as OutboxFigures;
      if (outbox.due === 0 || performance.now() > until) return outbox;
      progress.show(() => `coming to rest: ${outbox.due} messages are due`);
      await sleep(REST_STEP_MS);
    }
  }

  async #check(worker: RestartedWorker, outbox: OutboxFigures): Promise<ScenarioReport> {
    const nodes = new Map<string, NodeRecord>();
    for (let first = 0; first < NODES; first += RECORDS_AT_ONCE) {
      const names = Array.from({ length: RECORDS_AT_ONCE }, (_, at) => `n${first + at}`);
      const records = (await asked(worker, { type: "record", names })) as readonly NodeRecord[];
      for (const [at, name] of names.entries()) nodes.set(name, records[at]!);
    }
    const tickers = (await asked(worker, { type: "tickers" })) as readonly TickerRecord[];
    const sentByTickers = new Map(
      tickers.map(({ sent }, index) => [`ticker${index}`, { [`n${index}`]: sent }]),
    );
    return effectsReport({
      tally: this.#tally,
      verdict: checkEffects(nodes, sentByTickers),
      outbox,
      tickers,
      outside: this.#outside(nodes),
      seconds: this.#elapsedSeconds(),
    });
  }

  /** What was asked to be done outside, and what was done: different ids by the actor that asked. */
  #outside(nodes: ReadonlyMap<string, NodeRecord>): { asked: number; done: number; again: number } {
    const lines = readFileSync(this.#outsideFile, "utf8").trim().split("\n");
    const askedFor = [...nodes.values()].reduce((sum, { external }) => sum + external, 0);
    const done = new Set(lines).size;
    return { asked: askedFor, done, again: lines.length - done };
  }

  #elapsedSeconds(): number {
    return (performance.now() - this.#startedAtMs) / 1000;
  }

  #showProgress(): void {
    this.#options.progress.show(() => {
      const { kills, acknowledged } = this.#tally;
      const of = this.#options.kills < Infinity ? ` of ${this.#options.kills}` : "";
      const waves = `${acknowledged.toLocaleString("en-US")} waves begun`;
      return `kill ${kills}${of} · ${waves} · ${this.#elapsedSeconds().toFixed(0)} s`;
    });
  }
}

/** What a ticker says of itself. */
export interface TickerRecord {
  readonly ticks: number;
  readonly sent: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Asks until there is an answer; a life that ends is no answer. */
async function asked(worker: RestartedWorker, request: EffectsRequest): Promise<unknown> {
  for (;;) {
    const answer = await worker.ask(request);
    if (answer.type === "reply") return answer.reply;
    if (answer.type === "refusal" && !answer.refusal.retryable)
      throw new Error(`${request.type} was refused: ${answer.refusal.message}`);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

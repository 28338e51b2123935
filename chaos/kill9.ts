/**
 * `kill9`: the promise that what was acknowledged is durable, put to real processes.
 *
 * A worker embeds an actor system on a SQLite file. This process calls it with many calls in flight
 * and remembers every answer; it is never killed. The worker is, with SIGKILL, at a random time
 * shortly after the first acknowledgement of its life, over and over. A call that was not answered
 * is repeated with the same key in the next life; without a key it is unknown. In the end, in a life
 * of their own, all actors are read and compared with every answer that was ever given.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "spawn-mesh";
import { seededRandom } from "spawn-mesh/testing";
import { checkHistory, type FinalState, type Outcome } from "./history-checker.ts";
import { CallPlan, type CalledActor, type PlannedCall } from "./kill9-calls.ts";
import type { ActorCall } from "./kill9-worker.ts";
import { KillableWorker, type Answer, type WorkerProgram } from "./killable-worker.ts";
import { kill9Report, type Tally } from "./kill9-report.ts";
import { RestartedWorker } from "./restarted-worker.ts";
import type { Scenario, ScenarioOptions, ScenarioReport } from "./scenario.ts";

const IN_FLIGHT = 64;
/** A kill comes at random up to this time after the first acknowledgement of a life. */
const KILL_AFTER_MS_MAX = 300;
/** A life that has no acknowledgement by then is ended; it counts as one without. */
const FIRST_ACKNOWLEDGEMENT_MS_MAX = 20_000;
/** Answers other than success that one keyed call may get before the run gives up on it. */
const REFUSALS_MAX = 20;

export const kill9: Scenario = {
  summary: "a process that embeds the system on SQLite is killed while it answers calls",
  killsDefault: 100,
  mutations: ["early-ack", "no-key-lookup"],
  run: (options) => new Kill9(options).run(),
};

class Kill9 {
  readonly #options: ScenarioOptions;
  readonly #random: Random;
  readonly #plan: CallPlan;
  readonly #tally: Tally = {
    acknowledged: 0,
    unknown: 0,
    refused: 0,
    kills: 0,
    lives: 0,
    livesWithoutAck: 0,
    inFlightAtKills: 0,
    operations: 0,
    restartsMs: [],
  };
  #killedAtMs: number | undefined;
  #startedAtMs = 0;
  #tick = 0;
  #isOver = false;
  #onAcknowledged = () => {};

  constructor(options: ScenarioOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#plan = new CallPlan(this.#random);
    mkdirSync(options.directory, { recursive: true });
  }

  async run(): Promise<ScenarioReport> {
    this.#startedAtMs = performance.now();
    // A start that ends well leaves what Node compiled for all that follow.
    await (await KillableWorker.start(this.#program)).stop();
    const worker = await RestartedWorker.start(this.#program);
    const callers = Array.from({ length: IN_FLIGHT }, () => this.#callUntilOver(worker));
    await Promise.race([this.#killOverAndOver(worker), Promise.all(callers)]);
    this.#isOver = true;
    await Promise.all(callers);
    await worker.stop();
    return this.#check();
  }

  get #program(): WorkerProgram {
    const { workspace, directory } = this.#options;
    return {
      program: join(workspace, "chaos/kill9-worker.ts"),
      args: [join(directory, "state.db")],
      compileCache: join(directory, "compiled"),
    };
  }

  async #killOverAndOver(worker: RestartedWorker): Promise<void> {
    const { kills, seconds = Infinity } = this.#options;
    while (this.#tally.kills < kills && this.#elapsedSeconds() < seconds) {
      await this.#liveAndDie(worker);
    }
  }

  async #liveAndDie(worker: RestartedWorker): Promise<void> {
    const tally = this.#tally;
    tally.lives++;
    if (!(await this.#firstAcknowledgement())) tally.livesWithoutAck++;
    else if (this.#killedAtMs !== undefined) {
      tally.restartsMs.push(performance.now() - this.#killedAtMs);
    }
    await sleep(this.#random.fraction() * KILL_AFTER_MS_MAX);
    this.#killedAtMs = performance.now();
    tally.kills++;
    await worker.kill();
  }

  /** Whether one came in time. */
  #firstAcknowledgement(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), FIRST_ACKNOWLEDGEMENT_MS_MAX);
      this.#onAcknowledged = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  async #callUntilOver(worker: RestartedWorker): Promise<void> {
    while (!this.#isOver) await this.#perform(this.#plan.next(), worker);
  }

  async #perform(planned: PlannedCall, worker: RestartedWorker): Promise<void> {
    const { actor, call, element } = planned;
    const startedAt = this.#tick++;
    const outcome = await this.#outcomeOf(call, worker);
    this.#tally.operations++;
    actor.operations.push({ element, startedAt, endedAt: this.#tick++, outcome });
    if (outcome.type === "acknowledged") {
      this.#tally.acknowledged++;
      this.#onAcknowledged();
    } else if (outcome.type === "refused") {
      this.#tally.refused += call.action === "appendAndThrow" ? 0 : 1;
    } else if (element !== undefined) {
      this.#tally.unknown++;
    }
    this.#showProgress();
  }

  /** With a key, calls until there is an answer that says for certain what happened. */
  async #outcomeOf(call: ActorCall, worker: RestartedWorker): Promise<Outcome> {
    for (let refusals = 0; ;) {
      const answer = await worker.ask(call);
      if (answer.type === "reply") return acknowledgement(answer.reply);
      if (answer.type === "refusal") refusals++;
      else this.#tally.inFlightAtKills++;
      const isRepeated = call.key !== undefined && refusals < REFUSALS_MAX;
      if (!isRepeated || !mayBeRepeated(answer)) return withoutReply(answer);
    }
  }

  /** Reads every actor in a life of its own and compares. */
  async #check(): Promise<ScenarioReport> {
    const { progress } = this.#options;
    progress.note(`reading ${this.#plan.actors.length.toLocaleString("en-US")} actors …`);
    const life = await KillableWorker.start(this.#program);
    const finals = await Promise.all(this.#plan.actors.map((actor) => finalState(life, actor)));
    await life.stop();
    const verdicts = this.#plan.actors.map(({ operations }, at) =>
      checkHistory(operations, finals[at]!),
    );
    const seconds = this.#elapsedSeconds();
    return kill9Report({ tally: this.#tally, verdicts, actors: verdicts.length, seconds });
  }

  #elapsedSeconds(): number {
    return (performance.now() - this.#startedAtMs) / 1000;
  }

  #showProgress(): void {
    this.#options.progress.show(() => {
      const { kills, acknowledged, livesWithoutAck } = this.#tally;
      const left = this.#leftSeconds();
      return [
        `kill ${kills}${this.#options.kills < Infinity ? ` of ${this.#options.kills}` : ""}`,
        `${acknowledged.toLocaleString("en-US")} acknowledged`,
        `${livesWithoutAck} lives without`,
        `${this.#elapsedSeconds().toFixed(0)} s`,
        ...(left < Infinity ? [`about ${left.toFixed(0)} s left`] : []),
      ].join(" · ");
    });
  }

  /** Infinite while nobody can tell. */
  #leftSeconds(): number {
    const { kills, seconds = Infinity } = this.#options;
    const elapsed = this.#elapsedSeconds();
    const done = this.#tally.kills;
    const byKills = done === 0 ? Infinity : ((kills - done) * elapsed) / done;
    return Math.max(Math.min(byKills, seconds - elapsed), 0);
  }
}

export function acknowledgement(reply: unknown): Outcome {
  if (typeof reply === "number") return { type: "acknowledged", version: reply };
  const elements = reply as readonly number[];
  return { type: "acknowledged", version: elements.length, elements };
}

export function mayBeRepeated(answer: Answer): boolean {
  if (answer.type !== "refusal") return true;
  return answer.refusal.retryable || answer.refusal.applied === "unknown";
}

export function withoutReply(answer: Answer): Outcome {
  const isCertain = answer.type === "refusal" && answer.refusal.applied === "no";
  return { type: isCertain ? "refused" : "unknown" };
}

export async function finalState(life: KillableWorker, actor: CalledActor): Promise<FinalState> {
  const { definition, name } = actor;
  const action = definition === "list" ? "elements" : "total";
  const answer = await life.ask({ definition, name, action });
  if (answer.type !== "reply") throw new Error(`${name} cannot be read: ${JSON.stringify(answer)}`);
  if (definition === "counter") return { length: answer.reply as number };
  const elements = answer.reply as readonly number[];
  return { length: elements.length, elements };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * `store-postgres` and `store-mariadb`: the promises on a database with a server, when anything between
 * an action and its row may break.
 *
 * A worker embeds an actor system whose database is a private server, reached through a proxy in this
 * process. A hundred callers append to lists and increment counters; every element is also sent to a
 * mirror of its list. Meanwhile the worker and the database are killed with SIGKILL, connections are
 * cut, and of some commits the answer is swallowed after the database has given it. In the end all
 * lists are compared with every answer that was ever given, and with their mirrors.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "spawn-mesh";
import { seededRandom } from "spawn-mesh/testing";
import { startMariadb } from "../packages/spawn-mesh/test/servers/mariadb.ts";
import { startPostgres } from "../packages/spawn-mesh/test/servers/postgres.ts";
import { TcpProxy } from "../packages/spawn-mesh/test/servers/tcp-proxy.ts";
import type { OwnServer } from "../packages/spawn-mesh/test/servers/test-database.ts";
import {
  type CommitSpotter,
  mariadbSpotter,
  postgresSpotter,
  swallowCommits,
} from "./commit-spotter.ts";
import { checkHistory, type Outcome } from "./history-checker.ts";
import { acknowledgement, finalState, mayBeRepeated, withoutReply } from "./kill9.ts";
import { CallPlan, type CalledActor, type PlannedCall } from "./kill9-calls.ts";
import { KillableWorker, type WorkerProgram } from "./killable-worker.ts";
import { RestartedWorker } from "./restarted-worker.ts";
import type { Scenario, ScenarioOptions, ScenarioReport } from "./scenario.ts";
import { compareMirror, type MirrorVerdict, type StoreTally, storeReport } from "./store-report.ts";
import type { StoreFigures, StoreRequest } from "./store-worker.ts";

const CALLERS = 100;
/** One answer to a commit of so many is swallowed. */
const SWALLOWED_OF = 15;
/** A fault comes at random between these times after the one before it. */
const FAULT_AFTER_MS_MIN = 500;
const FAULT_AFTER_MS_MAX = 2_000;
/** How long the database stays away, at most. */
const DATABASE_AWAY_MS_MAX = 1_000;
const FIRST_ANSWER_MS_MAX = 30_000;
/** The longest that the messages may take to arrive after the last fault. */
const REST_MS_MAX = 120_000;
const REST_STEP_MS = 250;

interface DatabaseKind {
  readonly summary: string;
  readonly start: () => Promise<OwnServer>;
  readonly spotter: () => CommitSpotter;
}

function scenario(kind: DatabaseKind): Scenario {
  return {
    summary: kind.summary,
    killsDefault: 20,
    mutations: ["early-ack", "no-key-lookup"],
    run: (options) => new StoreFaults(kind, options).run(),
  };
}

export const storePostgres: Scenario = scenario({
  summary: "PostgreSQL and the process that uses it are killed, answers to commits are swallowed",
  start: () => startPostgres(),
  spotter: postgresSpotter,
});

export const storeMariadb: Scenario = scenario({
  summary: "MariaDB and the process that uses it are killed, answers to commits are swallowed",
  start: () => startMariadb(),
  spotter: mariadbSpotter,
});

class StoreFaults {
  readonly #kind: DatabaseKind;
  readonly #options: ScenarioOptions;
  readonly #random: Random;
  readonly #plan: CallPlan;
  readonly #tally: StoreTally = {
    acknowledged: 0,
    unknown: 0,
    unresolved: 0,
    refused: 0,
    kills: 0,
    databaseKills: 0,
    cuts: 0,
    swallowed: 0,
    inFlightAtKills: 0,
    operations: 0,
  };
  #startedAtMs = 0;
  #tick = 0;
  #isOver = false;
  #isSwallowing = true;

  constructor(kind: DatabaseKind, options: ScenarioOptions) {
    this.#kind = kind;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#plan = new CallPlan(this.#random);
    mkdirSync(options.directory, { recursive: true });
  }

  async run(): Promise<ScenarioReport> {
    const server = await this.#kind.start();
    const eavesdrop = swallowCommits(this.#kind.spotter, () => this.#shouldSwallow());
    const proxy = await TcpProxy.start(server.port, eavesdrop);
    try {
      const program = this.#program(proxy.through(await server.createPlace()));
      // A start that ends well makes the tables, and leaves what Node compiled for all that follow.
      await (await KillableWorker.start(program)).stop();
      return await this.#disturb(program, server, proxy);
    } finally {
      await proxy.stop();
      await server.stop();
    }
  }

  async #disturb(
    program: WorkerProgram,
    server: OwnServer,
    proxy: TcpProxy,
  ): Promise<ScenarioReport> {
    this.#startedAtMs = performance.now();
    const worker = await RestartedWorker.start(program);
    const callers = Array.from({ length: CALLERS }, () => this.#callUntilOver(worker));
    await Promise.race([this.#faults(worker, server, proxy), Promise.all(callers)]);
    this.#isOver = true;
    this.#isSwallowing = false;
    await Promise.all(callers);
    await worker.stop();
    this.#tally.swallowed = proxy.swallowed;
    return await this.#check(program);
  }

  #program(url: string): WorkerProgram {
    const { workspace, directory } = this.#options;
    return {
      program: join(workspace, "chaos/store-worker.ts"),
      args: [url],
      compileCache: join(directory, "compiled"),
    };
  }

  #shouldSwallow(): boolean {
    return this.#isSwallowing && this.#random.fraction() < 1 / SWALLOWED_OF;
  }

  async #faults(worker: RestartedWorker, server: OwnServer, proxy: TcpProxy): Promise<void> {
    const { kills, seconds = Infinity } = this.#options;
    while (this.#tally.kills < kills && this.#elapsedSeconds() < seconds) {
      const span = FAULT_AFTER_MS_MAX - FAULT_AFTER_MS_MIN;
      await sleep(FAULT_AFTER_MS_MIN + this.#random.fraction() * span);
      const choice = this.#random.fraction();
      if (choice < 0.5) await this.#killWorker(worker);
      else if (choice < 0.75) await this.#killDatabase(server);
      else {
        this.#tally.cuts++;
        proxy.cut();
      }
      await this.#nextAnswer();
    }
  }

  async #killWorker(worker: RestartedWorker): Promise<void> {
    this.#tally.kills++;
    await worker.kill();
  }

  async #killDatabase(server: OwnServer): Promise<void> {
    this.#tally.databaseKills++;
    await server.kill();
    await sleep(this.#random.fraction() * DATABASE_AWAY_MS_MAX);
    await server.restart();
  }

  /** Until something is acknowledged again: a fault upon a fault tests less. */
  async #nextAnswer(): Promise<void> {
    const { acknowledged } = this.#tally;
    const until = performance.now() + FIRST_ANSWER_MS_MAX;
    while (this.#tally.acknowledged === acknowledged && performance.now() < until) await sleep(20);
  }

  async #callUntilOver(worker: RestartedWorker): Promise<void> {
    while (!this.#isOver) await this.#perform(this.#plan.next(), worker);
  }

  async #perform(planned: PlannedCall, worker: RestartedWorker): Promise<void> {
    const { actor, call, element } = planned;
    const startedAt = this.#tick++;
    const outcome = await this.#outcomeOf(planned, worker);
    this.#tally.operations++;
    actor.operations.push({ element, startedAt, endedAt: this.#tick++, outcome });
    if (outcome.type === "acknowledged") this.#tally.acknowledged++;
    else if (outcome.type === "refused")
      this.#tally.refused += call.action === "appendAndThrow" ? 0 : 1;
    else if (element !== undefined) this.#tally.unknown++;
    this.#showProgress();
  }

  /** Calls until there is an answer that says for certain what happened, if the call may be repeated. */
  async #outcomeOf({ call }: PlannedCall, worker: RestartedWorker): Promise<Outcome> {
    for (;;) {
      const answer = await worker.ask(call);
      if (answer.type === "reply") return acknowledgement(answer.reply);
      if (answer.type === "gone") this.#tally.inFlightAtKills++;
      else if (answer.refusal.code === "UNKNOWN_OUTCOME") this.#tally.unresolved++;
      const isCertain = answer.type === "refusal" && answer.refusal.applied === "no";
      const isRepeated = call.key !== undefined || (isCertain && answer.refusal.retryable);
      if (!isRepeated || !mayBeRepeated(answer)) return withoutReply(answer);
    }
  }

  /** Reads every actor in a life of its own and compares. */
  async #check(program: WorkerProgram): Promise<ScenarioReport> {
    const { progress } = this.#options;
    const { actors } = this.#plan;
    progress.note(`reading ${actors.length.toLocaleString("en-US")} actors …`);
    const life = await KillableWorker.start(program);
    const rest = await this.#rest(life);
    const finals = await Promise.all(actors.map((actor) => finalState(life, actor)));
    const verdicts = actors.map(({ operations }, at) => checkHistory(operations, finals[at]!));
    const mirrors = await Promise.all(
      actors.map((actor, at) => mirrorOf(life, actor, finals[at]!.elements)),
    );
    await life.stop();
    const seconds = this.#elapsedSeconds();
    return storeReport({ tally: this.#tally, verdicts, mirrors: mirrors.flat(), rest, seconds });
  }

  /** Waits until no message waits any more. */
  async #rest(life: KillableWorker): Promise<StoreFigures> {
    const until = performance.now() + REST_MS_MAX;
    for (;;) {
      const answer = await life.ask({ definition: "outbox" } satisfies StoreRequest);
      if (answer.type !== "reply") throw new Error(`no figures: ${JSON.stringify(answer)}`);
      const figures = answer.reply as StoreFigures;
      if (figures.waiting === 0 || performance.now() > until) return figures;
      this.#options.progress.show(() => `${figures.waiting} messages are under way`);
      await sleep(REST_STEP_MS);
    }
  }

  #elapsedSeconds(): number {
    return (performance.now() - this.#startedAtMs) / 1000;
  }

  #showProgress(): void {
    this.#options.progress.show(() => {
      const { kills, databaseKills, acknowledged } = this.#tally;
      const answers = `${acknowledged.toLocaleString("en-US")} acknowledged`;
      return `kill ${kills} · database ${databaseKills} · ${answers} · ${this.#elapsedSeconds().toFixed(0)} s`;
    });
  }
}

/** What the mirror of a list says; a counter has none. */
async function mirrorOf(
  life: KillableWorker,
  { definition, name }: CalledActor,
  elements: readonly number[] | undefined,
): Promise<readonly MirrorVerdict[]> {
  if (definition !== "list" || elements === undefined) return [];
  const request: StoreRequest = { definition: "mirror", name, action: "elements" };
  const answer = await life.ask(request);
  if (answer.type !== "reply") throw new Error(`no mirror of ${name}: ${JSON.stringify(answer)}`);
  return [compareMirror(elements, answer.reply as readonly number[])];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

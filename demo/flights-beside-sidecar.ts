/**
 * The flights beside a sidecar: one process keeps the actors, another one runs their actions, and this
 * one calls them. Either of the two is killed in turn, and started again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type SpawnClient } from "spawn-mesh";
import { refusalOf } from "../chaos/answer-requests.ts";
import type { Answer, WorkerProgram } from "../chaos/killable-worker.ts";
import { RestartedWorker } from "../chaos/restarted-worker.ts";
import { ProxyProcess } from "../packages/proxy/test/fixtures/proxy-process.ts";
import { applyFlight } from "./apply-flight.ts";
import { airport } from "./flight-actors.ts";
import type { FlightKeeper } from "./stream-flights.ts";
import type { ApplyRequest } from "./worker.ts";

/** How often to look whether a process that was started again has its actors back, in milliseconds. */
const LOOK_MS = 10;
/** The longest that may take, in milliseconds. */
const BACK_MS_MAX = 60_000;

export class FlightsBesideSidecar implements FlightKeeper {
  readonly #environment: Readonly<Record<string, string>>;
  #proxy: ProxyProcess;
  readonly #host: RestartedWorker;
  readonly #client: SpawnClient;
  #kills = 0;
  #isBack: Promise<void> = Promise.resolve();

  private constructor({
    environment,
    proxy,
    host,
    client,
  }: {
    readonly environment: Readonly<Record<string, string>>;
    readonly proxy: ProxyProcess;
    readonly host: RestartedWorker;
    readonly client: SpawnClient;
  }) {
    this.#environment = environment;
    this.#proxy = proxy;
    this.#host = host;
    this.#client = client;
  }

  static async start({
    file,
    socket,
    host,
  }: {
    /** The SQLite file that keeps the actors. */
    readonly file: string;
    /** The Unix socket of the sidecar. */
    readonly socket: string;
    /** The program that runs the actions. */
    readonly host: WorkerProgram;
  }): Promise<FlightsBesideSidecar> {
    const environment = {
      PROXY_ACTOR_SYSTEM_NAME: "flights",
      PROXY_DATABASE_NAME: file,
      PROXY_UDS_ENABLED: "true",
      PROXY_UDS_ADDRESS: socket,
    };
    const proxy = await ProxyProcess.start(environment);
    const client = connect(`unix:${socket}`, { system: "flights" });
    const started = { environment, proxy, host: await RestartedWorker.start(host), client };
    return new FlightsBesideSidecar(started);
  }

  /** Which of the two processes is killed next. */
  get victim(): "sidecar" | "host" {
    return this.#kills % 2 === 0 ? "sidecar" : "host";
  }

  async ask({ flight, key }: ApplyRequest): Promise<Answer> {
    await this.#isBack;
    const kills = this.#kills;
    try {
      await applyFlight(this.#client, flight, key);
      return { type: "reply", reply: undefined };
    } catch (error) {
      if (kills === this.#kills) return { type: "refusal", refusal: refusalOf(error) };
      await this.#isBack;
      return { type: "gone" };
    }
  }

  async kill(): Promise<void> {
    const { victim } = this;
    this.#kills++;
    const killed = victim === "sidecar" ? this.#proxy.kill("SIGKILL") : this.#host.kill();
    this.#isBack = killed.then(() => this.#bringBack(victim));
    await killed;
  }

  /** Ends both processes as they should end. */
  async stop(): Promise<void> {
    await this.#client.close();
    await this.#host.stop();
    const status = await this.#proxy.kill("SIGTERM");
    if (status !== 0) throw new Error(`spawn-proxy ended with status ${status}`);
  }

  async #bringBack(victim: "sidecar" | "host"): Promise<void> {
    if (victim === "sidecar") this.#proxy = await ProxyProcess.start(this.#environment);
    const endsAt = performance.now() + BACK_MS_MAX;
    for (;;) {
      try {
        // A read is answered by the sidecar, but only when the host has registered.
        await this.#host.ask("are you there?");
        await this.#client.actor(airport, "ATL").get();
        return;
      } catch (error) {
        if (performance.now() > endsAt) throw error;
        await sleep(LOOK_MS);
      }
    }
  }
}

/**
 * What the proxy counts about itself, as plain numbers that are made a text when somebody asks.
 *
 * Labels have few values: an actor is named by what its host has registered and never by its instance,
 * and names that nobody has registered are left out. So there are at most as many series as there are
 * actions and outcomes, and never more than {@link SERIES_MAX}.
 */
import type { EngineEvent } from "spawn-mesh/engine";
import { availableParallelism } from "node:os";
import { Histogram } from "./histogram.ts";
import type { Labels, Metric } from "./prometheus-text.ts";
import { prometheusText } from "./prometheus-text.ts";

/** What there is to do in one actor system, now. */
export interface SystemLoad {
  readonly system: string;
  readonly activeActors: number;
  /** Invocations that wait for their turn. */
  readonly queued: number;
  /** Messages on their way to their actors. */
  readonly deliveries: number;
}

/** Series of one metric; what comes after them is counted together. */
const SERIES_MAX = 2_000;

const SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const NO_LABELS: Labels = {};

/** Something that is measured or counted for each set of labels. */
class Series<Value> {
  readonly #create: () => Value;
  readonly #series = new Map<string, readonly [Labels, Value]>();

  constructor(create: () => Value) {
    this.#create = create;
  }

  get(names: readonly string[], values: readonly string[]): Value {
    const key = values.join("\0");
    const found = this.#series.get(key) ?? this.#add(names, values, key);
    return found[1];
  }

  #add(names: readonly string[], values: readonly string[], key: string): readonly [Labels, Value] {
    const isFull = this.#series.size >= SERIES_MAX;
    const named = names.map((name, index) => [name, isFull ? "other" : values[index]!] as const);
    const ownKey = isFull ? "other" : key;
    const series = this.#series.get(ownKey) ?? [Object.fromEntries(named), this.#create()];
    this.#series.set(ownKey, series);
    return series;
  }

  *[Symbol.iterator](): Iterator<readonly [Labels, Value]> {
    yield* this.#series.values();
  }
}

/** A number that only grows. */
class Count {
  value = 0;
}

const INVOKE_LABELS = ["system", "actor", "action", "outcome"];
const HOST_LABELS = ["host", "outcome"];
const SYSTEM_LABELS = ["system"];
const EVENT_LABELS = ["type"];
const REFUSAL_LABELS = ["reason"];

export class ProxyMetrics {
  readonly #invocations = new Series(() => new Histogram(SECONDS));
  readonly #hostCalls = new Series(() => new Histogram(SECONDS));
  readonly #commits = new Histogram(SECONDS);
  readonly #groups = new Histogram(GROUP_SIZES);
  readonly #activations = new Series(() => new Count());
  readonly #deactivations = new Series(() => new Count());
  readonly #events = new Series(() => new Count());
  readonly #refusals = new Series(() => new Count());
  #finished = 0;
  #underWay = 0;

  /** An invocation from outside has come. */
  begun(): void {
    this.#underWay++;
  }

  /** One is answered. */
  ended(
    {
      system,
      actor,
      action,
      outcome,
    }: Readonly<Record<"system" | "actor" | "action" | "outcome", string>>,
    seconds: number,
  ): void {
    this.#underWay--;
    this.#finished++;
    this.#invocations.get(INVOKE_LABELS, [system, actor, action, outcome]).add(seconds);
  }

  /** A host was called. */
  hostCalled(host: string, outcome: string, seconds: number): void {
    this.#hostCalls.get(HOST_LABELS, [host, outcome]).add(seconds);
  }

  /** Somebody was turned away. */
  refused(reason: "unproven" | "denied"): void {
    this.#refusals.get(REFUSAL_LABELS, [reason]).value++;
  }

  /** Something that the engine tells. */
  happened(event: EngineEvent): void {
    switch (event.type) {
      case "committed":
        this.#commits.add(event.durationMs / 1_000);
        return this.#groups.add(event.commits);
      case "activated":
        this.#activations.get(SYSTEM_LABELS, [event.actor.system]).value++;
        return;
      case "deactivated":
        this.#deactivations.get(SYSTEM_LABELS, [event.actor.system]).value++;
        return;
      default:
        this.#events.get(EVENT_LABELS, [event.type]).value++;
    }
  }

  /** All of it, as Prometheus reads it. */
  text(loads: readonly SystemLoad[]): string {
    return prometheusText([...this.#own(), ...gauges(loads), ...ofProcess()]);
  }

  #own(): readonly Metric[] {
    return [
      counter("spawn_invoke_stop_duration", "Invocations that are answered.", this.#finished),
      gauge("spawn_actor_inflight_messages_messages", "Invocations under way.", this.#underWay),
      {
        name: "spawn_invoke_duration_seconds",
        help: "From when an invocation comes until it is answered.",
        type: "histogram",
        values: this.#invocations,
      },
      {
        name: "spawn_host_call_duration_seconds",
        help: "From when a host is asked to run an action until it has answered.",
        type: "histogram",
        values: this.#hostCalls,
      },
      {
        name: "spawn_commit_duration_seconds",
        help: "From when a group of commits is sent to the statestore until it is stored.",
        type: "histogram",
        values: [[NO_LABELS, this.#commits]],
      },
      {
        name: "spawn_commit_group_size",
        help: "Actors whose changes were stored together.",
        type: "histogram",
        values: [[NO_LABELS, this.#groups]],
      },
      counters("spawn_activations_total", "Actors that came to life.", this.#activations),
      counters("spawn_deactivations_total", "Actors that left memory.", this.#deactivations),
      counters("spawn_engine_events_total", "What else the engine told.", this.#events),
      counters("spawn_refused_total", "Requests and calls that were not let in.", this.#refusals),
    ];
  }
}

function ofProcess(): readonly Metric[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const { active } = performance.eventLoopUtilization();
  return [
    gauge("vm_memory_total", "Memory of the process in bytes.", rss),
    gauge("vm_system_info_schedulers", "Threads that run actors.", 1),
    gauge("vm_system_info_schedulers_online", "Processors.", availableParallelism()),
    gauge("process_resident_memory_bytes", "Memory of the process.", rss),
    gauge(
      "process_start_time_seconds",
      "When the process started.",
      performance.timeOrigin / 1_000,
    ),
    counter("process_cpu_seconds_total", "Time of processors.", (user + system) / 1e6),
    gauge("nodejs_heap_used_bytes", "Memory of JavaScript.", heapUsed),
    counter("nodejs_eventloop_active_seconds_total", "Time at work.", active / 1_000),
  ];
}

/** Actors are what processes are in the original, and what waits for them is its run queue. */
function gauges(loads: readonly SystemLoad[]): readonly Metric[] {
  const active = loads.map((load) => [{ system: load.system }, load.activeActors] as const);
  const queued = loads.map((load) => [{ system: load.system }, load.queued] as const);
  const deliveries = loads.map((load) => [{ system: load.system }, load.deliveries] as const);
  const total = (values: readonly (readonly [Labels, number])[]): number =>
    values.reduce((sum, [, value]) => sum + value, 0);
  return [
    { ...gauge("spawn_active_actors", "Actors in memory.", 0), values: active },
    { ...gauge("spawn_actor_message_queue_len", "Invocations that wait.", 0), values: queued },
    { ...gauge("spawn_outbox_messages", "Messages on their way.", 0), values: deliveries },
    gauge("vm_system_info_process_count", "Actors in memory.", total(active)),
    gauge("vm_total_run_queue_lengths_total", "Invocations that wait.", total(queued)),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: "gauge", values: [[NO_LABELS, value]] };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: "counter", values: [[NO_LABELS, value]] };
}

function counters(name: string, help: string, series: Series<Count>): Metric {
  const values = [...series].map(([labels, { value }]) => [labels, value] as const);
  return { name, help, type: "counter", values };
}

import { actorIdOf } from "../actor-definition.ts";
import { checkName } from "../actor-id.ts";
import type { ActorId } from "../actor-id.ts";
import { Activation } from "./activation.ts";
import type { Admission } from "../calls/admission.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import type { Clock, Random } from "../clock.ts";
import type { CommitPipeline } from "../commits/commit-pipeline.ts";
import type { CommitWriter } from "../commits/commit-writer.ts";
import { Deactivator } from "./deactivator.ts";
import { SpawnError } from "../errors.ts";
import type { EventListener } from "../events.ts";
import type { Host } from "../host.ts";
import type { Invocation } from "../calls/invocation.ts";
import type { Limits } from "../limits.ts";
import type { Loader } from "./loader.ts";
import type { Outbox } from "../messages/outbox.ts";
import type { CronTimes } from "../messages/repetition.ts";
import type { InvokeRequest } from "./action-context.ts";
import type { Run } from "./run.ts";
import type { RunQueue } from "./run-queue.ts";
import type { StatelessSending } from "../messages/stateless-sending.ts";
import type { Time } from "../time/time.ts";
import type { Watch } from "../time/watch.ts";

/** A call to another actor that the run of an action makes. */
export interface CallFromRun {
  readonly id: ActorId;
  /** Has what the run could have seen. */
  readonly pipeline: CommitPipeline;
  readonly run: Run;
  /** The name of the actor called. */
  readonly name: string;
  readonly request: InvokeRequest;
}

/** The parts of a running engine that activations use. */
export interface EngineParts {
  readonly system: string;
  readonly clock: Clock;
  /** {@link clock} for the call path. */
  readonly time: Time;
  readonly random: Random;
  readonly limits: Limits;
  readonly host: Host;
  readonly admission: Admission;
  readonly runQueue: RunQueue;
  readonly watch: Watch;
  readonly loader: Loader;
  readonly writer: CommitWriter;
  readonly outbox: Outbox;
  readonly stateless: StatelessSending;
  readonly cronTimes: CronTimes;
  readonly emit: EventListener;
  /** A call that an action makes. */
  readonly callFrom: (call: CallFromRun) => Promise<unknown>;
}

/** A registered definition with its live activations: at most one an actor, but for a pooled one. */
export class ActorType {
  #definition: ActorDefinition;
  readonly parts: EngineParts;
  readonly #live = new Map<string, Activation>();
  readonly #deactivator: Deactivator;
  #isRetired = false;

  constructor(definition: ActorDefinition, parts: EngineParts) {
    this.#definition = definition;
    this.parts = parts;
    this.#deactivator = new Deactivator(this, parts.clock);
  }

  get definition(): ActorDefinition {
    return this.#definition;
  }

  /**
   * Whether live activations can go on with another definition: their states are what it expects, and what
   * they have acknowledged is stored when it expects that.
   */
  canBecome({ kind, state, durability }: ActorDefinition): boolean {
    const isSameState = state?.version === this.#definition.state?.version;
    const isSameDurability = durability === this.#definition.durability;
    return (kind === "pooled") === this.isPool && isSameState && isSameDurability;
  }

  /** Takes another definition that it {@link canBecome}; what runs goes on with the one before. */
  become(definition: ActorDefinition): void {
    this.#definition = definition;
  }

  /** Whether several activations are one actor. */
  protected get isPool(): boolean {
    return false;
  }

  /** Lets all leave that have nothing to do; answers whether none is left. Others write first what they have. */
  vacate(): boolean {
    for (const activation of this.live) {
      activation.leaveIfQuiet();
      activation.flush();
    }
    return this.liveCount === 0;
  }

  /**
   * The live activation of that name for `invocation`, activated if there is none.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT`, `ACTOR_NOT_FOUND` when it is retired, and `OVERLOADED`
   * rather than activate one in vain
   */
  activation(name: string, invocation: Invocation): Activation {
    return this.#live.get(name) ?? this.#activate(name, invocation);
  }

  /** All live activations, in the order in which they came to life. */
  get live(): Iterable<Activation> {
    return this.#live.values();
  }

  /** Whether the actor of that name is in memory. */
  isLive(name: string): boolean {
    return this.#live.has(name);
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Whether one of them leaves memory when it is idle for long enough. */
  get hasSpare(): boolean {
    return this.#live.size > 0;
  }

  /** Puts no more idle activations away. */
  stop(): void {
    this.#deactivator.stop();
  }

  /** Whether the definition was forgotten, or another type has it. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** It has no activations left, and no more come to life for those who still know it. */
  retire(): void {
    this.#isRetired = true;
    this.stop();
  }

  /** @throws {SpawnError} `ACTOR_NOT_FOUND` */
  protected checkPresent(): void {
    if (!this.isRetired) return;
    const { name } = this.definition;
    throw new SpawnError("ACTOR_NOT_FOUND", `the definition ${name} was forgotten or replaced`);
  }

  /** Forgets an activation that is gone. */
  remove(activation: Activation): void {
    if (this.#live.get(activation.name) === activation) this.#live.delete(activation.name);
  }

  #activate(name: string, invocation: Invocation): Activation {
    this.checkPresent();
    checkName(this.definition.name, name);
    const id = actorIdOf(this.parts.system, this.definition, name);
    this.parts.admission.checkRoom({ id, queueLength: 0, queueUnits: 0 }, invocation);
    const activation = new Activation(name, this);
    this.#live.set(name, activation);
    this.watchIdle();
    return activation;
  }

  /** Looks for idle activations from now on, as long as one may leave. */
  protected watchIdle(): void {
    this.#deactivator.wake();
  }
}

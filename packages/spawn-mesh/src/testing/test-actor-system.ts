/**
 * An actor system for your tests: in memory, with time that moves only when the test says so.
 *
 * Deactivation, write-behind flushes, deadlines and back-off all follow the virtual clock. The
 * process can be "killed" and "restarted" in the middle of a test: what was committed is there
 * afterwards, and nothing else. Every action runs in strict mode, on a fresh copy of the state.
 */
import { describeThrown, SpawnError } from "../engine/errors.ts";
import type {
  ActorKind,
  ActorList,
  ChannelListener,
  EngineEvent,
  InvokeRequest,
  Limits,
  MigrationCheck,
  MigrationCheckOptions,
  SendRequest,
  Statestore,
} from "../engine/index.ts";
import { checkWholeNumber } from "../engine/limits.ts";
import { checkOptionNames } from "../engine/option-names.ts";
import type { ActorOf, AnyActor, NameOf } from "../sdk/actor.ts";
import type { ActorRef, EffectRef } from "../sdk/actor-ref.ts";
import { actorSystem } from "../sdk/actor-system.ts";
import type { ActorSystem, Messages } from "../sdk/actor-system.ts";
import type { Actors, FindOptions, Where } from "../sdk/finding.ts";
import type { AnyExternal } from "../sdk/external.ts";
import type { StoredActorRef } from "../sdk/stored-actor.ts";
import { memoryStatestore } from "../statestores/memory/index.ts";
import { seededRandom } from "./seeded-random.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a system under test runs. */
export interface TestActorSystemOptions {
  /** The actors of the system. */
  readonly actors: readonly AnyActor[];
  /** The name of the system. Default `test`; `test-2` and so on for those that run beside it. */
  readonly name?: string | undefined;
  /** Where the actors are kept. Default: memory. */
  readonly statestore?: Statestore | undefined;
  /** The seed of all randomness. Default 1. */
  readonly seed?: number | undefined;
  /** Bounds of queues, sizes and times. Each has a default. */
  readonly limits?: Partial<Limits> | undefined;
  /** What actors can have done outside. */
  readonly externals?: readonly AnyExternal[] | undefined;
}

const OPTIONS: Readonly<Record<keyof TestActorSystemOptions, true>> = {
  actors: true,
  name: true,
  statestore: true,
  seed: true,
  limits: true,
  externals: true,
};

const SEEDS = { min: Number.MIN_SAFE_INTEGER };

/** The names of the test systems that run: tests may run side by side. */
const namesInUse = new Set<string>();

function freeName(): string {
  let name = "test";
  for (let number = 2; namesInUse.has(name); number++) name = `test-${number}`;
  return name;
}

/** Time steps while a system stops, in virtual milliseconds. */
const STOP_STEP_MS = 10;

/** A running system under test. Made by {@link testActorSystem}. */
export class TestActorSystem {
  /** The time of the system. */
  readonly clock: VirtualClock = new VirtualClock();
  /** The name of the system. */
  readonly name: string;
  /** What the system has told about itself so far. */
  readonly events: EngineEvent[] = [];
  readonly #options: TestActorSystemOptions;
  readonly #statestore: Statestore;
  #system: ActorSystem;
  #lives = 0;

  constructor(options: TestActorSystemOptions) {
    checkOptionNames("testActorSystem", options, Object.keys(OPTIONS));
    if (options.seed !== undefined) checkWholeNumber("seed", options.seed, SEEDS);
    this.#options = options;
    this.name = options.name ?? freeName();
    this.#statestore = options.statestore ?? memoryStatestore();
    this.#system = this.#nextLife();
  }

  /** A typed reference to an actor of the present life. */
  actor<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): ActorRef<State, ActionsOf> {
    return this.#system.actor(definition, ...name);
  }

  /** Calls an action by names. */
  invoke<Reply = unknown>(name: string, request: InvokeRequest): Promise<Reply> {
    return this.#system.invoke<Reply>(name, request);
  }

  /** A typed reference that sends messages. */
  effect<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): EffectRef<ActionsOf, Promise<string>> {
    return this.#system.effect(definition, ...name);
  }

  /** Sends a message by names. */
  send(name: string, request: SendRequest): Promise<string> {
    return this.#system.send(name, request);
  }

  /** Sends a payload to all subscribers of a channel. */
  publish(channel: string, payload?: unknown): Promise<string> {
    return this.#system.publish(channel, payload);
  }

  /** Listens to a channel, until the next crash or restart at the latest. */
  subscribe(channel: string, listener: ChannelListener): () => void {
    return this.#system.subscribe(channel, listener);
  }

  /** What waits to be delivered, and what was given up. */
  get messages(): Messages {
    return this.#system.messages;
  }

  /** The actors that are stored: list, act on many, delete many. */
  get actors(): Actors {
    return this.#system.actors;
  }

  /** Finds actors by their declared index. */
  find<State, ActionsOf, Kind extends ActorKind, Index>(
    definition: ActorOf<State, ActionsOf, Kind, Index>,
    where: Where<Index>,
    options?: FindOptions,
  ): Promise<ActorList> {
    return this.#system.find(definition, where, options);
  }

  /** What the statestore keeps of an actor. */
  stored<State, ActionsOf, Kind extends ActorKind>(
    definition: ActorOf<State, ActionsOf, Kind>,
    ...name: NameOf<Kind>
  ): StoredActorRef<State> {
    return this.#system.stored(definition, ...name);
  }

  /** Tries on all stored states whether they can be brought to today's shape, and writes none. */
  checkMigrations(options?: MigrationCheckOptions): Promise<MigrationCheck> {
    return this.#system.checkMigrations(options);
  }

  /**
   * Lets `ms` milliseconds pass: everything that falls due happens, in order.
   *
   * @throws {SpawnError} `INVALID_ARGUMENT` when it is no finite number, or less than 0
   */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new SpawnError(
        "INVALID_ARGUMENT",
        `advance: expected milliseconds from 0, got ${describeThrown(ms)}`,
      );
    }
    await this.clock.advance(ms);
  }

  /** Starts it: {@link testActorSystem} has done that. */
  async start(): Promise<void> {
    namesInUse.add(this.name);
    await this.#system.start();
  }

  /** Kills the system as `kill -9` does, and starts another on the same statestore. Calls in flight end as unknown. */
  async crash(): Promise<void> {
    this.#system.crash();
    this.#system = this.#nextLife();
    await this.#system.start();
  }

  /** Stops the system as a deploy does, and starts another on the same statestore. */
  async restart(): Promise<void> {
    await this.#end();
    this.#system = this.#nextLife();
    await this.#system.start();
  }

  /** Stops the system; time moves as far as that takes. */
  async stop(): Promise<void> {
    await this.#end();
    namesInUse.delete(this.name);
  }

  async #end(): Promise<void> {
    let isStopped = false;
    const stopping = this.#system.stop().finally(() => {
      isStopped = true;
    });
    while (!isStopped) await this.clock.advance(STOP_STEP_MS);
    await stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #nextLife(): ActorSystem {
    const { actors, limits, externals = [], seed = 1 } = this.#options;
    this.#lives++;
    const { clock } = this;
    return actorSystem(this.name, {
      actors,
      externals,
      statestore: this.#statestore,
      handleSignals: false,
      strict: true,
      random: seededRandom(seed * 1_000 + this.#lives),
      onEvent: (event) => this.events.push(event),
      // Stepping back behind input and output is no matter of time, so it needs no `advance`.
      clock: {
        monotonic: () => clock.monotonic(),
        wall: () => clock.wall(),
        timer: (delayMs, action) => clock.timer(delayMs, action),
        yield: (action) => void setImmediate(action),
      },
      ...(limits && { limits }),
    });
  }
}

/**
 * Starts an actor system for a test. Use `await using`, or call `stop()`.
 *
 * @throws {SpawnError} `INVALID_ARGUMENT` for an option that there is not, and as `actorSystem`
 */
export async function testActorSystem(options: TestActorSystemOptions): Promise<TestActorSystem> {
  const system = new TestActorSystem(options);
  await system.start();
  return system;
}

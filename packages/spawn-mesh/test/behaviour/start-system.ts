/** An actor system as users have it, on a virtual clock and a statestore that fails when told to. */
import { onTestFinished } from "vitest";
import { actorSystem, isSpawnError } from "spawn-mesh";
import type {
  ActorSystem,
  AnyActor,
  AnyExternal,
  EngineEvent,
  Limits,
  SpawnError,
  Statestore,
} from "spawn-mesh";
import { memoryStatestore } from "spawn-mesh/memory";
import { FaultyStatestore, VirtualClock, seededRandom } from "spawn-mesh/testing";

export interface StartOptions {
  /** Default `test`. */
  readonly name?: string;
  readonly limits?: Partial<Limits>;
  readonly strict?: boolean;
  readonly externals?: readonly AnyExternal[];
  /** Where the actors are. Default: new memory. */
  readonly inner?: Statestore;
  /** Whose time it is. Default: a new clock. */
  readonly clock?: VirtualClock;
}

export interface StartedSystem {
  readonly system: ActorSystem;
  readonly store: FaultyStatestore;
  /** What is behind `store`: a next system goes on from there. */
  readonly inner: Statestore;
  readonly clock: VirtualClock;
  readonly events: readonly EngineEvent[];
}

let lives = 0;

/** Makes a system that ends with the test; it is not started. */
export function makeSystem(actors: readonly AnyActor[], options: StartOptions = {}): StartedSystem {
  const { name = "test", limits, strict = false, externals = [] } = options;
  const inner = options.inner ?? memoryStatestore();
  const clock = options.clock ?? new VirtualClock();
  const store = new FaultyStatestore(inner);
  const events: EngineEvent[] = [];
  const system = actorSystem(name, {
    actors,
    externals,
    statestore: store,
    handleSignals: false,
    strict,
    random: seededRandom(++lives),
    onEvent: (event) => events.push(event),
    clock: {
      monotonic: () => clock.monotonic(),
      wall: () => clock.wall(),
      timer: (delayMs, action) => clock.timer(delayMs, action),
      yield: (action) => void setImmediate(action),
    },
    ...(limits && { limits }),
  });
  onTestFinished(() => system.crash());
  return { system, store, inner, clock, events };
}

/** Starts a system that ends with the test. */
export async function startSystem(
  actors: readonly AnyActor[],
  options: StartOptions = {},
): Promise<StartedSystem> {
  const made = makeSystem(actors, options);
  await made.system.start();
  return made;
}

/** Kills the system as `kill -9` does and starts another one where it was. */
export async function crashAndRestart(
  before: StartedSystem,
  actors: readonly AnyActor[],
  options: StartOptions = {},
): Promise<StartedSystem> {
  before.system.crash();
  return await startSystem(actors, { ...options, inner: before.inner, clock: before.clock });
}

/** The error that a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<SpawnError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome)
    throw new Error(`expected a failure, got the reply ${JSON.stringify(outcome.value)}`);
  if (!isSpawnError(outcome.error))
    throw new Error(`expected a SpawnError, got ${String(outcome.error)}`, {
      cause: outcome.error,
    });
  return outcome.error;
}

/** What is said of an error in one line: `code applied`. */
export async function failureOf(call: Promise<unknown>): Promise<string> {
  const { code, applied } = await errorOf(call);
  return `${code} ${applied}`;
}

/** Lets everything go on that can go on without time. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise that is watched: whether it has an outcome yet. */
export function watched<T>(promise: Promise<T>): {
  readonly promise: Promise<T>;
  isSettled: boolean;
} {
  const watching = { promise, isSettled: false };
  promise.then(
    () => (watching.isSettled = true),
    () => (watching.isSettled = true),
  );
  return watching;
}

/** The same promise, whose rejection may be looked at later. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

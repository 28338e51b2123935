/**
 * The actor systems of this process: they find one another by name, and stop together when the
 * process is told to end.
 */
import { SpawnError } from "../engine/index.ts";
import type { Engine } from "../engine/index.ts";

/** A system that runs, as the others see it. */
export interface RunningSystem {
  readonly name: string;
  /** None when its actors are kept by a sidecar. */
  readonly engine?: Engine;
  /** Whether it stops by itself on SIGTERM and SIGINT. */
  readonly handlesSignals: boolean;
  stop(): Promise<void>;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

const running = new Map<string, RunningSystem>();
let isListening = false;

/** @throws {SpawnError} `ALREADY_REGISTERED` when a system of that name runs in this process */
export function addRunningSystem(system: RunningSystem): void {
  const other = running.get(system.name);
  if (other === system) {
    throw new SpawnError("ALREADY_REGISTERED", `the system ${system.name} is started already`);
  }
  if (other !== undefined) {
    throw new SpawnError(
      "ALREADY_REGISTERED",
      `an actor system named ${JSON.stringify(system.name)} runs in this process already`,
    );
  }
  running.set(system.name, system);
  listenWhileNeeded();
}

export function removeRunningSystem(system: RunningSystem): void {
  if (running.get(system.name) === system) running.delete(system.name);
  listenWhileNeeded();
}

export function findEngine(name: string): Engine | undefined {
  return running.get(name)?.engine;
}

function listenWhileNeeded(): void {
  const isNeeded = [...running.values()].some((system) => system.handlesSignals);
  if (isNeeded === isListening) return;
  isListening = isNeeded;
  for (const signal of SIGNALS) {
    if (isNeeded) process.on(signal, onSignal);
    else process.off(signal, onSignal);
  }
}

/** Stops every system that wants it, then lets the signal do what it does without us. */
function onSignal(signal: NodeJS.Signals): void {
  const stopping = [...running.values()]
    .filter((system) => system.handlesSignals)
    .map((system) => system.stop());
  void Promise.allSettled(stopping).then(() => {
    // If the program listens too, ending is its decision.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  });
}

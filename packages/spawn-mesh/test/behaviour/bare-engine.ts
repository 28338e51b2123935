/** An engine without the SDK, as those have it who host actors elsewhere. */
import { expect, onTestFinished } from "vitest";
import { Engine, jsonCodec } from "spawn-mesh/engine";
import type { ActionFunction, ActorDefinition, Clock, EngineOptions } from "spawn-mesh/engine";
import { memoryStatestore } from "spawn-mesh/memory";
import type { VirtualClock } from "spawn-mesh/testing";

export type Changes = Partial<Omit<ActorDefinition, "actions">>;

export function definition(
  name: string,
  actions: Readonly<Record<string, ActionFunction>>,
  changes: Changes = {},
): ActorDefinition {
  const run = (action: string) => ({ name: action, isRead: false, parse: undefined });
  return {
    name,
    kind: "named",
    state: {
      codec: jsonCodec,
      version: 1,
      initial: () => ({ total: 0 }),
      migrate: (stored) => stored,
    },
    durability: "durable",
    deactivateTimeoutMs: 10_000,
    snapshotTimeoutMs: 2_000,
    revisionsKept: 0,
    init: undefined,
    actions: new Map(
      Object.entries(actions).map(([action, code]) => [action, { ...run(action), run: code }]),
    ),
    channels: new Map(),
    timers: [],
    isStrict: false,
    ...changes,
  };
}

export async function startEngine(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = new Engine({
    system: "test",
    definitions: [],
    store: memoryStatestore(),
    awaitsDefinitions: true,
    ...options,
  });
  await engine.start();
  onTestFinished(() => engine.stop({ drainTimeoutMs: 0 }));
  return engine;
}

/** A clock whose turns for input and output come by themselves. */
export function withIo(clock: VirtualClock): Clock {
  return {
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
    timer: (delayMs, action) => clock.timer(delayMs, action),
    yield: (action) => void setImmediate(action),
  };
}

export interface Total {
  total: number;
}

/** An action that adds to the total, and answers it. */
export const adds =
  (by: number): ActionFunction =>
  (context) => {
    const state = context.state as Total;
    state.total += by;
    return state.total;
  };

export function until(isSo: () => boolean): Promise<void> {
  return expect.poll(isSo, { timeout: 15_000, interval: 5 }).toBe(true) as unknown as Promise<void>;
}

import { describe, expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { findAction } from "../actor-definition.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import { Engine } from "../engine.ts";
import { jsonCodec } from "../state-codec.ts";

const definition = (deactivateTimeoutMs: number): ActorDefinition => ({
  name: "d",
  kind: "unnamed",
  state: { version: 1, codec: jsonCodec, initial: () => 0, migrate: (stored) => stored },
  durability: "durable",
  deactivateTimeoutMs,
  snapshotTimeoutMs: 1_000,
  revisionsKept: 0,
  init: undefined,
  actions: new Map(),
  channels: new Map(),
  timers: [],
  isStrict: false,
});

async function started(deactivateTimeoutMs: number) {
  const clock = new VirtualClock();
  const live = new Set<string>();
  const engine = new Engine({
    system: "s",
    definitions: [definition(deactivateTimeoutMs)],
    store: memoryStatestore(),
    clock: {
      monotonic: () => clock.monotonic(),
      wall: () => clock.wall(),
      timer: (delayMs, action) => clock.timer(delayMs, action),
      yield: (action) => void setImmediate(action),
    },
    onEvent: (event) => {
      if (event.type === "activated") live.add(event.actor.name);
      if (event.type === "deactivated") live.delete(event.actor.name);
    },
  });
  await engine.start();
  return { clock, live, engine };
}

describe("deactivation", () => {
  test.each([20, 1_000, 60_000])("after %s ms comes in time, and not before", async (idleMs) => {
    const { clock, live, engine } = await started(idleMs);
    await engine.invoke("a", { definition: "d", action: "get" });
    await clock.advance(idleMs - 1);
    expect(live.size).toBe(1);
    await clock.advance(Math.min(1_000, idleMs / 10) + 11);
    expect(live.size).toBe(0);
    engine.crash();
  });

  test("of very many takes one timer, and some looks", async () => {
    const { clock, live, engine } = await started(1_000);
    const pending = clock.pending;
    for (let group = 0; group < 12; group++) {
      const names = Array.from({ length: 1_000 }, (_, index) => `${group}.${index}`);
      await Promise.all(
        names.map((name) => engine.invoke(name, { definition: "d", action: "get" })),
      );
    }
    expect([live.size, clock.pending]).toEqual([12_000, pending + 1]);
    await clock.advance(1_200);
    expect(live.size).toBe(0);
    engine.crash();
  });
});

test("an idle system has nothing to wake up for", async () => {
  const { clock, engine } = await started(1_000);
  const pending = clock.pending;
  await engine.call({
    type: engine.type("d"),
    name: "a",
    action: findAction(engine.type("d").definition, "get")!,
    payload: undefined,
  });
  expect(clock.pending).toBeGreaterThan(pending);
  await clock.advance(10_000);
  expect(clock.pending).toBe(pending);
});

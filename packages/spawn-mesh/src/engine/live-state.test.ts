import { describe, expect, test } from "vitest";
import type { ActorDefinition } from "./actor-definition.ts";
import { jsonCodec } from "./state-codec.ts";
import { LiveState } from "./live-state.ts";

const definition = (isStrict: boolean): ActorDefinition => ({
  name: "counter",
  kind: "named",
  state: { version: 1, codec: jsonCodec, initial: () => ({}), migrate: (stored) => stored },
  durability: "durable",
  deactivateTimeoutMs: 1,
  snapshotTimeoutMs: 1,
  revisionsKept: 0,
  init: undefined,
  actions: new Map(),
  channels: new Map(),
  timers: [],
  isStrict,
});

const BYTES = '{"n":1}';

describe("a live state", () => {
  test("is decoded once, and again after it is in doubt", () => {
    const state = new LiveState(definition(false));
    const first = state.read(BYTES);
    expect(first).toEqual({ n: 1 });
    expect(state.read(BYTES)).toBe(first);
    state.forget();
    expect(state.read('{"n":2}')).toEqual({ n: 2 });
  });

  test("is what was written, until it is in doubt", () => {
    const state = new LiveState(definition(false));
    const written = { n: 5 };
    state.write(written);
    expect(state.read(BYTES)).toBe(written);
    state.prepare(BYTES);
    expect(state.read(BYTES)).toBe(written);
  });

  test("is nothing where nothing is stored", () => {
    expect(new LiveState(definition(false)).read(undefined)).toBeUndefined();
  });

  test("is a fresh one for each action in strict mode", () => {
    const state = new LiveState(definition(true));
    const first = state.read(BYTES);
    state.prepare(BYTES);
    expect(state.read(BYTES)).not.toBe(first);
  });

  test("that was changed meanwhile is found out in strict mode, once", () => {
    const state = new LiveState(definition(true));
    (state.read(BYTES) as { n: number }).n = 7;
    expect(() => state.prepare(BYTES)).toThrow("[ACTION_FAILED] the state was changed after");
    state.prepare(BYTES);
    expect(state.read(BYTES)).toEqual({ n: 1 });
  });
});

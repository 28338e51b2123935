import { describe, expect, test } from "vitest";
import type { ActorDefinition } from "./actor-definition.ts";
import type { CommitWriter } from "./commit-writer.ts";
import { LiveState } from "./live-state.ts";
import { jsonCodec } from "./state-codec.ts";

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

/** A live state alone, whose bytes change without a commit. */
class State extends LiveState {
  readonly id = { system: "s", definition: "counter", name: "counter" };
  readonly definition: ActorDefinition;
  declare readonly parts: never;
  declare protected readonly writer: CommitWriter;

  constructor(bytes: string | undefined, isStrict = false) {
    super();
    this.definition = definition(isStrict);
    this.bytes = bytes;
  }

  forget(): void {
    this.forgetState();
  }

  prepare(): void {
    this.prepareState();
  }

  protected afterCommit(): void {}
  protected rolledBack(): void {}
  protected fenced(): void {}
  protected flushFailed(): void {}
  protected tailLost(): void {}
}

describe("a live state", () => {
  test("is decoded once, and again after it is in doubt", () => {
    const state = new State(BYTES);
    const first = state.readState();
    expect(first).toEqual({ n: 1 });
    state.bytes = '{"n":2}';
    expect(state.readState()).toBe(first);
    state.forget();
    expect(state.readState()).toEqual({ n: 2 });
  });

  test("is what was written, until it is in doubt", () => {
    const state = new State(BYTES);
    const written = { n: 5 };
    state.becomeState(written);
    expect(state.readState()).toBe(written);
    state.prepare();
    expect(state.readState()).toBe(written);
  });

  test("is nothing where nothing is stored", () => {
    expect(new State(undefined).readState()).toBeUndefined();
  });

  test("is a fresh one for each action in strict mode", () => {
    const state = new State(BYTES, true);
    const first = state.readState();
    state.prepare();
    expect(state.readState()).not.toBe(first);
  });

  test("that was changed meanwhile is found out in strict mode, once", () => {
    const state = new State(BYTES, true);
    (state.readState() as { n: number }).n = 7;
    expect(() => state.prepare()).toThrow("[ACTION_FAILED] the state was changed after");
    state.prepare();
    expect(state.readState()).toEqual({ n: 1 });
  });
});

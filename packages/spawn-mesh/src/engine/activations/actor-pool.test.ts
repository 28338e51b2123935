import { expect, test } from "vitest";
import { memoryStatestore } from "../../statestores/memory/index.ts";
import type { ActorDefinition } from "../actor-definition.ts";
import { Engine } from "../engine.ts";
import { jsonCodec } from "../state-codec.ts";

const pooled: ActorDefinition = {
  name: "p",
  kind: "pooled",
  pool: { min: 1, max: 2 },
  state: undefined,
  durability: "durable",
  deactivateTimeoutMs: 1_000,
  snapshotTimeoutMs: 1_000,
  revisionsKept: 0,
  init: undefined,
  channels: new Map(),
  timers: [],
  actions: new Map(),
  isStrict: false,
};
const state = {
  version: 1,
  codec: jsonCodec,
  initial: () => 0,
  migrate: (stored: unknown) => stored,
};

test.each<[string, ActorDefinition]>([
  ["a state, which its activations would fight for", { ...pooled, state }],
  ["no size", { ...pooled, pool: undefined }],
])("a pool with %s is refused", (_what, definition) => {
  const make = () =>
    new Engine({ system: "s", definitions: [definition], store: memoryStatestore() });
  expect(make).toThrow("[INVALID_ARGUMENT] p is pooled: expected the size of the pool");
});

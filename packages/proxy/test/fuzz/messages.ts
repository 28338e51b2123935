/** Good messages of every kind, with what is odd but allowed in them. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ActorInvocationResponseSchema,
  InvocationRequestSchema,
  JSONTypeSchema,
  RegistrationRequestSchema,
  SpawnRequestSchema,
} from "spawn-mesh/protocol";
import type { Kind } from "spawn-mesh/protocol";
import { json, opaque } from "../fixtures/values.ts";
import type { Choices } from "./choices.ts";

/** Names as nobody should choose them. */
export const NAMES: readonly string[] = [
  "instance",
  "",
  "n".repeat(1_024),
  "n".repeat(1_025),
  ".",
  "*",
  ">",
  " ",
  "\0",
  "a\r\nb",
  "e\u0301",
  "\u00e9",
  "joe",
  "Joe",
  "Joe ",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "then",
  "<spawned>",
  "<channel>",
  "<external>",
  "../../etc/passwd",
  "%2e%2e",
];

/** Actors whose host answers anything, so many that one which is busy does not keep the others waiting. */
export const FUZZED: readonly string[] = Array.from(
  { length: 16 },
  (_, index) => `fuzzed-${index}`,
);

const ACTIONS: readonly string[] = ["get", "init", ...NAMES];

/** Texts that are JSON, nearly, or not at all. */
export const JSON_TEXTS: readonly string[] = [
  "",
  "null",
  "NaN",
  "1e400",
  "-0",
  "9007199254740993",
  "\ufeff{}",
  "{",
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":1}}',
  '"\\ud800"',
  `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
  `${"[".repeat(200)}${"]".repeat(200)}`,
  JSON.stringify("x".repeat(100_000)),
];

const TIMES: readonly bigint[] = [
  0n,
  1n,
  -1n,
  50n,
  99_999_999_999n,
  4_102_444_800_000n,
  10n ** 18n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

const NUMBERS: readonly number[] = [0, 1, -1, 50, 60_000, 2 ** 31 - 1, -(2 ** 31)];

function anyOf(choices: Choices) {
  switch (choices.below(5)) {
    case 0:
      return json({ value: choices.below(10) });
    case 1: {
      const content = choices.pick(JSON_TEXTS);
      const value = toBinary(JSONTypeSchema, create(JSONTypeSchema, { content }));
      return { ...opaque(`${choices.pick(["spawn", "eigr.functions.protocol"])}.JSONType`), value };
    }
    case 2:
      return opaque("shop.Order", 1, 2, 3, 255);
    case 3:
      return {
        ...opaque(""),
        typeUrl: choices.pick(NAMES),
        value: choices.bytes(choices.below(50)),
      };
    default:
      return opaque("eigr.functions.protocol.Noop");
  }
}

function payloadOf(choices: Choices) {
  if (choices.chance(0.2)) return { case: "noop", value: {} } as const;
  return choices.chance(0.2)
    ? ({ case: undefined } as const)
    : ({ case: "value", value: anyOf(choices) } as const);
}

function metadataOf(choices: Choices): Record<string, string> {
  // Whoever waits for a host that does not answer must not wait for long.
  const metadata: Record<string, string> = { "request-timeout": "1000" };
  if (choices.chance(0.1)) metadata["idempotency-key"] = `${choices.below(50)}`;
  if (choices.chance(0.05)) metadata[choices.pick(NAMES)] = choices.pick(NAMES);
  if (choices.chance(0.02)) metadata["request-timeout"] = choices.pick(["-1", "0", "NaN", "1e18"]);
  if (choices.chance(0.005)) {
    for (let key = 0; key < 10_000; key++) metadata[`key ${key}`] = "value";
  }
  return metadata;
}

function idOf(choices: Choices) {
  return {
    name: choices.pick(choices.chance(0.5) ? FUZZED : NAMES),
    system: choices.chance(0.9) ? "spawn-system" : choices.pick(NAMES),
    parent: choices.chance(0.8) ? "" : choices.pick(NAMES),
  };
}

function invocationOf(choices: Choices) {
  return {
    system: { name: choices.chance(0.9) ? "spawn-system" : choices.pick(NAMES) },
    actor: { id: idOf(choices) },
    actionName: choices.chance(0.7) ? "add" : choices.pick(ACTIONS),
    payload: payloadOf(choices),
    async: choices.chance(0.1),
    metadata: metadataOf(choices),
    registerRef: choices.chance(0.9) ? "" : choices.pick([...NAMES, "fuzzed-user"]),
    ...(choices.chance(0.1) && { caller: idOf(choices) }),
    ...(choices.chance(0.05) && { scheduledTo: choices.pick(TIMES) }),
  };
}

function actorOf(choices: Choices, name: string) {
  const timeout = {
    strategy: { case: "timeout" as const, value: { timeout: choices.pick(TIMES) } },
  };
  return {
    id: { name, system: "spawn-system" },
    state: { state: anyOf(choices), tags: { odd: choices.pick(NAMES) } },
    settings: {
      kind: choices.pick([0, 1, 1, 1, 2, 3, 4, 5, 6, 77]) as Kind,
      stateful: choices.chance(0.8),
      minPoolSize: choices.pick(NUMBERS),
      maxPoolSize: choices.pick(NUMBERS),
      deactivationStrategy: timeout,
      snapshotStrategy: timeout,
      stateType: choices.pick(["", "json", "shop.Cart"]),
    },
    actions: [{ name: "add" }, { name: choices.pick(ACTIONS) }],
    timerActions: choices.chance(0.1)
      ? [{ seconds: choices.pick(NUMBERS), action: { name: "add" } }]
      : [],
    metadata: { channelGroup: [{ topic: choices.pick(NAMES), action: choices.pick(ACTIONS) }] },
  };
}

/** A body for `POST …/invoke`. */
export function invocation(choices: Choices): Uint8Array {
  return toBinary(InvocationRequestSchema, create(InvocationRequestSchema, invocationOf(choices)));
}

/** A body for `POST /api/v1/system`. */
export function registration(choices: Choices): Uint8Array {
  const name = choices.pick(["odd", "odd too", ...NAMES]);
  const message = {
    serviceInfo: { serviceName: choices.pick(NAMES) },
    actorSystem: {
      name: choices.chance(0.95) ? "spawn-system" : choices.pick(NAMES),
      registry: { actors: { [name]: actorOf(choices, name) } },
    },
  };
  return toBinary(RegistrationRequestSchema, create(RegistrationRequestSchema, message));
}

/** A body for `POST …/spawn`. */
export function spawning(choices: Choices): Uint8Array {
  const actors = Array.from({ length: choices.below(4) }, () => ({
    ...idOf(choices),
    parent: choices.pick(["fuzzed-user", "fuzzed-1", "nobody"]),
  }));
  return toBinary(SpawnRequestSchema, create(SpawnRequestSchema, { actors }));
}

/** What a host answers. */
export function hostAnswer(choices: Choices): Uint8Array {
  const route = { actor: choices.pick(NAMES), actionName: choices.pick(ACTIONS), registerRef: "" };
  const message = {
    actorName: choices.chance(0.95) ? "" : choices.pick(NAMES),
    ...(choices.chance(0.95) && {
      updatedContext: {
        ...(choices.chance(0.7) && { state: anyOf(choices) }),
        tags: choices.chance(0.5) ? {} : { tag: choices.pick(NAMES) },
      },
    }),
    payload: payloadOf(choices),
    checkpoint: choices.chance(0.1),
    ...(choices.chance(0.2) && {
      workflow: {
        effects: choices.chance(0.3) ? [{ request: invocationOf(choices) }, {}] : [],
        ...(choices.chance(0.2) && {
          broadcast: { channelGroup: choices.pick(NAMES), payload: payloadOf(choices) },
        }),
        ...(choices.chance(0.3) && {
          routing: { case: choices.pick(["pipe", "forward"] as const), value: route },
        }),
      },
    }),
  };
  return toBinary(ActorInvocationResponseSchema, create(ActorInvocationResponseSchema, message));
}

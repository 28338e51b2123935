/** What this program tells a sidecar about its actors. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ActorDefinition, ActorKind } from "../engine/index.ts";
import {
  ActorSchema,
  DefinitionSchema,
  FunctionsSchema,
  Kind,
  RegistrationRequestSchema,
} from "../protocol/index.ts";
import type { Actor, Definition } from "../protocol/index.ts";
import { INIT_ACTION, TIMER_MS_MAX, checkDefinition } from "./over-the-wire.ts";

const PROTOCOL = { protocolMajorVersion: 1, protocolMinorVersion: 1 };

const kinds: Readonly<Record<ActorKind, Kind>> = {
  named: Kind.NAMED,
  unnamed: Kind.UNNAMED,
  pooled: Kind.POOLED,
  task: Kind.TASK,
};

/**
 * The registration of a system, encoded.
 *
 * @param externals the names of functions outside
 * @throws {SpawnError} `INVALID_ARGUMENT` for what the protocol cannot say
 */
export function registrationOf(
  system: string,
  definitions: Iterable<ActorDefinition>,
  externals: Iterable<string>,
): Uint8Array {
  const actors = Object.fromEntries(
    [...definitions].map((definition) => [definition.name, actorOf(system, definition)]),
  );
  const request = create(RegistrationRequestSchema, {
    serviceInfo: {
      serviceName: system,
      serviceVersion: "0.1.0",
      serviceRuntime: `Node ${process.versions.node}`,
      supportLibraryName: "spawn-mesh",
      supportLibraryVersion: "0.1.0",
      ...PROTOCOL,
    },
    actorSystem: { name: system, registry: { actors } },
  });
  const functions = create(FunctionsSchema, { externals: [...externals] });
  return Buffer.concat([
    toBinary(RegistrationRequestSchema, request),
    toBinary(FunctionsSchema, functions),
  ]);
}

function actorOf(system: string, definition: ActorDefinition): Actor {
  checkDefinition(definition);
  const { name, kind, pool, state, init, actions, channels, timers } = definition;
  const hasInit = state !== undefined || init !== undefined;
  const actor = create(ActorSchema, {
    id: { name, system },
    // None: each instance makes its own when it comes to life.
    state: {},
    settings: {
      kind: kinds[kind],
      stateful: state !== undefined,
      snapshotStrategy: timeout(definition.snapshotTimeoutMs),
      deactivationStrategy: timeout(definition.deactivateTimeoutMs),
      ...(pool && { minPoolSize: pool.min, maxPoolSize: pool.max }),
    },
    actions: [...(hasInit ? [INIT_ACTION] : []), ...actions.keys()].map((action) => ({
      name: action,
    })),
    timerActions: timers.map(({ action, repeat }) => ({
      seconds: "everyMs" in repeat ? Math.min(repeat.everyMs, TIMER_MS_MAX) : 0,
      action: { name: action },
    })),
    metadata: {
      channelGroup: [...channels].map(([topic, action]) => ({ topic, action })),
    },
  });
  return withFields(actor, create(DefinitionSchema, { options: optionsOf(definition) }));
}

/** What our proxy understands besides. */
function optionsOf(definition: ActorDefinition): string {
  const { state, durability, revisionsKept, revisionsKeptMs, expireAfterMs, timers } = definition;
  const stateVersion = state?.version;
  const isIndexed = definition.index !== undefined;
  return JSON.stringify({
    stateVersion,
    isIndexed,
    durability,
    revisionsKept,
    revisionsKeptMs,
    expireAfterMs,
    timers,
  });
}

/** The actor with further fields, which others skip. */
function withFields(actor: Actor, definition: Definition): Actor {
  const fields = toBinary(DefinitionSchema, definition);
  return fromBinary(ActorSchema, Buffer.concat([toBinary(ActorSchema, actor), fields]));
}

function timeout(timeoutMs: number): {
  readonly strategy: { readonly case: "timeout"; readonly value: { readonly timeout: bigint } };
} {
  return { strategy: { case: "timeout", value: { timeout: BigInt(timeoutMs) } } };
}

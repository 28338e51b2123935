/** Calls of actions, and reads of states. */
import type { ActorId, CallOptions } from "spawn-mesh/engine";
import {
  InvocationRequestSchema,
  InvocationResponseSchema,
  decodeMessage,
  spellingOf,
  targetOf,
} from "spawn-mesh/protocol";
import type { InvocationRequest, Spelling } from "spawn-mesh/protocol";
import type { ActorSystems } from "../actors/actor-systems.ts";
import { findExisting } from "../actors/directory.ts";
import type { WireTarget } from "../actors/directory.ts";
import type { HostedCall } from "../actors/hosted-system.ts";
import { runOf } from "../actors/runs-at-hosts.ts";
import type { RunAtHost } from "../actors/runs-at-hosts.ts";
import { dueTime } from "../actors/workflow.ts";
import { okStatus, protobufAnswer } from "../answers.ts";
import type { Answer } from "../answers.ts";
import { optionsOfMetadata } from "../call-metadata.ts";
import type { Route } from "../server.ts";
import { payloadOfValue, valueOfPayload } from "../wire-values.ts";

/** `POST …/invoke` and `GET` of an actor. */
export function invokeRoutes(systems: ActorSystems): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/api/v1/system/:system/actors/:actor/invoke",
      handle: ({ params, body }) => invoke(systems, params, body),
    },
    {
      method: "GET",
      path: "/api/v1/system/:system/actors/:actor",
      handle: ({ params }) => readState(systems, params),
    },
  ];
}

type Params = Readonly<Record<string, string>>;

async function invoke(systems: ActorSystems, params: Params, body: Uint8Array): Promise<Answer> {
  const request = decodeMessage(InvocationRequestSchema, body);
  const target = wireTargetOf(request, params, systems.defaultSystem);
  const payload = valueOfPayload(request.payload, "payload");
  const options = optionsOf(request);
  const caller = callerOf(request, target.system);
  const call = { target, action: request.actionName, payload, options, caller };
  const run = runOf(body);
  const value = await (run === undefined ? systems.call(call) : callFromRun(run, systems, call));
  return answer(target, value, spellingFor(systems, request, target));
}

/** A call of an action that a host is running. */
async function callFromRun(
  run: RunAtHost,
  systems: ActorSystems,
  { target, action, payload, options }: HostedCall,
): Promise<unknown> {
  const { system, definition, name } = await findExisting(systems, target);
  const request = { ...options, system, definition, action, payload };
  return await run.call(() => run.context.invoke(name, request));
}

/** Answers the state as the default action `get` does. */
async function readState(systems: ActorSystems, params: Params): Promise<Answer> {
  const { system, actor: name } = params as { readonly system: string; readonly actor: string };
  const target = { system, name, parent: "", registerRef: "" };
  const call = { target, action: "get", payload: undefined, options: {}, caller: undefined };
  const value = await systems.call(call);
  return answer(target, value, spellingOfActor(systems, target));
}

function answer(target: WireTarget, value: unknown, spelling: Spelling): Answer {
  const { system, name, parent } = target;
  return protobufAnswer(InvocationResponseSchema, {
    status: okStatus(),
    system: { name: system },
    actor: { id: { name, system, parent } },
    payload: payloadOfValue(value, spelling),
  });
}

/** The body says who is meant, and the path what it leaves out. @throws {SpawnError} `INVALID_ARGUMENT` */
function wireTargetOf(
  request: InvocationRequest,
  params: Params,
  defaultSystem: string,
): WireTarget {
  const { name, system, parent } = targetOf(request);
  const { registerRef } = request;
  return {
    system: system || params["system"] || defaultSystem,
    name: name || params["actor"] || "",
    parent,
    registerRef,
  };
}

/** @throws {SpawnError} `INVALID_ARGUMENT` */
function optionsOf(request: InvocationRequest): CallOptions {
  const isScheduled = request.scheduledTo !== 0n;
  return {
    ...(request.async && !isScheduled && { async: true }),
    ...optionsOfMetadata(request.metadata),
    ...dueTime(request),
  };
}

function callerOf({ caller }: InvocationRequest, systemOfTarget: string): ActorId | undefined {
  if (caller === undefined || caller.name === "") return undefined;
  const { name, system, parent } = caller;
  return { system: system || systemOfTarget, definition: parent || name, name };
}

/** The caller's own spelling if it has shown it, else that of an actor that it knows. */
function spellingFor(
  systems: ActorSystems,
  { payload, caller }: InvocationRequest,
  target: WireTarget,
): Spelling {
  const shown = payload.case === "value" ? spellingOf(payload.value.typeUrl) : undefined;
  if (shown !== undefined) return shown;
  if (caller === undefined) return spellingOfActor(systems, target);
  const { system, name, parent } = caller;
  return spellingOfActor(systems, { system: system || target.system, name, parent });
}

function spellingOfActor(
  systems: ActorSystems,
  { system, name, parent }: Pick<WireTarget, "system" | "name" | "parent">,
): Spelling {
  return systems.get(system)?.spellingFor(parent || name) ?? "eigr.functions.protocol";
}

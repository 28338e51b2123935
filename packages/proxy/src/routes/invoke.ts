/** Calls of actions, and reads of states. */
import type { CallOptions } from "spawn-mesh/engine";
import {
  InvocationRequestSchema,
  callAnswerBytes,
  decodeMessage,
  spellingOf,
  targetOf,
} from "spawn-mesh/protocol";
import type { InvocationRequest, Spelling } from "spawn-mesh/protocol";
import type { ActorSystems } from "../actors/actor-systems.ts";
import type { WireTarget } from "../actors/directory.ts";
import { runOf } from "../actors/runs-at-hosts.ts";
import { dueTime } from "../actors/workflow.ts";
import { bytesAnswer } from "../http/answers.ts";
import type { Answer } from "../http/answers.ts";
import { optionsOfMetadata } from "../call-metadata.ts";
import { metadataInTrace } from "../observability/trace-context.ts";
import type { ClaimedCaller } from "../security/guard.ts";
import type { Identity } from "../security/identity.ts";
import type { Route, RouteRequest } from "../http/route.ts";
import { payloadOfValue, valueOfPayload } from "../wire-values.ts";

/** `POST …/invoke` and `GET` of an actor. */
export function invokeRoutes(systems: ActorSystems): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/api/v1/system/:system/actors/:actor/invoke",
      handle: (request) => invoke(systems, request),
    },
    {
      method: "GET",
      path: "/api/v1/system/:system/actors/:actor",
      handle: ({ params, identity }) => readState(systems, params, identity),
    },
  ];
}

type Params = Readonly<Record<string, string>>;

/** Calls an action; the body says all of it that is needed. @throws {SpawnError} */
export async function invoke(
  systems: ActorSystems,
  {
    params,
    body,
    headers,
    identity,
  }: Pick<RouteRequest, "params" | "body" | "headers" | "identity">,
): Promise<Answer> {
  const request = decodeMessage(InvocationRequestSchema, body);
  const target = wireTargetOf(request, params, systems.defaultSystem);
  const payload = valueOfPayload(request.payload, "payload");
  const metadata = metadataInTrace(request.metadata, headers);
  const value = await systems.call({
    target,
    action: request.actionName,
    payload,
    options: optionsOf(request, metadata),
    identity,
    claimed: claimedCaller(request, target.system),
    run: runOf(request),
  });
  return answer(target, value, spellingFor(systems, request, target));
}

/** Answers the state as the default action `get` does. */
async function readState(
  systems: ActorSystems,
  params: Params,
  identity: Identity,
): Promise<Answer> {
  const { system, actor: name } = params as { readonly system: string; readonly actor: string };
  const target = { system, name, parent: "", registerRef: "" };
  const read = { action: "get", payload: undefined, options: {} };
  const value = await systems.call({
    ...read,
    target,
    identity,
    claimed: undefined,
    run: undefined,
  });
  return answer(target, value, spellingOfActor(systems, target));
}

function answer(target: WireTarget, value: unknown, spelling: Spelling): Answer {
  const { system, name, parent } = target;
  return bytesAnswer(callAnswerBytes({ name, system, parent }, payloadOfValue(value, spelling)));
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
function optionsOf(
  request: InvocationRequest,
  metadata: Readonly<Record<string, string>>,
): CallOptions {
  const isScheduled = request.scheduledTo !== 0n;
  return {
    ...(request.async && !isScheduled && { async: true }),
    ...optionsOfMetadata(metadata),
    ...dueTime(request),
  };
}

function claimedCaller(
  { caller }: InvocationRequest,
  systemOfTarget: string,
): ClaimedCaller | undefined {
  if (caller === undefined || caller.name === "") return undefined;
  const { name, system, parent } = caller;
  return { system: system || systemOfTarget, name, parent };
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

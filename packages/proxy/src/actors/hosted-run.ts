/**
 * Runs an action of an actor at its host: the state goes there with the payload, and comes back with the
 * answer. Nothing that the host answers counts before it is understood as a whole.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { ActionContext } from "spawn-mesh/engine";
import {
  ActorInvocationResponseSchema,
  ActorInvocationSchema,
  decodeMessage,
  isJsonType,
  isNoop,
} from "spawn-mesh/protocol";
import type { ActorInvocationResponse, Context } from "spawn-mesh/protocol";
import { HostUnavailable } from "../host/actor-host.ts";
import type { ActorHost } from "../host/actor-host.ts";
import type { HttpResponse } from "../host/http-response.ts";
import { payloadOfValue, stateOfText, textOfState, valueOfPayload } from "../wire-values.ts";
import type { Directory } from "./directory.ts";
import { wireIdOf } from "./directory.ts";
import { applyWorkflow } from "./workflow.ts";

/** What runs at a host have in common that are of one registered actor. */
export interface Hosting {
  /** Who can run it, the one first that registered last. */
  readonly hosts: readonly [ActorHost, ...ActorHost[]];
  readonly isStateful: boolean;
  /** The parent that the registration itself names. */
  readonly parent: string;
  /** The type that states of it have, as its registration says; `undefined` if that says nothing. */
  readonly stateType: string | undefined;
  /** Whether tags that come back empty are the new ones: some SDKs never send any. */
  readonly clearsTags: boolean;
  readonly directory: Directory;
}

/** Runs an action and takes all that it answers. */
export async function runAtHost(
  hosting: Hosting,
  action: string,
  run: { readonly context: ActionContext; readonly payload: unknown },
): Promise<unknown> {
  const { context } = run;
  const { response, stateBefore } = await call(hosting, action, run);
  takeState(hosting, context, { response, stateBefore });
  const { workflow } = response;
  if (workflow !== undefined) await applyWorkflow(context, workflow, hosting.directory);
  if (response.checkpoint) context.checkpoint();
  return valueOfPayload(response.payload, "answer");
}

/** Runs the action that begins the life of an actor: only the state and tags of its answer count. */
export async function initAtHost(
  hosting: Hosting,
  action: string,
  context: ActionContext,
): Promise<void> {
  const { response, stateBefore } = await call(hosting, action, { context, payload: undefined });
  takeState(hosting, context, { response, stateBefore });
}

interface Answer {
  readonly response: ActorInvocationResponse;
  /** The state that the host was given, as it is stored. */
  readonly stateBefore: string | undefined;
}

async function call(
  hosting: Hosting,
  action: string,
  { context, payload }: { readonly context: ActionContext; readonly payload: unknown },
): Promise<Answer> {
  const { isStateful, hosts } = hosting;
  const { spelling } = hosts[0];
  const stateBefore = isStateful ? (context.state as string) : undefined;
  const id = wireIdOf(context.self);
  const actor = id.parent === "" ? { ...id, parent: hosting.parent } : id;
  const caller = context.caller && wireIdOf(context.caller);
  const request = create(ActorInvocationSchema, {
    actor,
    actionName: action,
    currentContext: {
      ...(stateBefore !== undefined && { state: stateOfText(stateBefore, spelling) }),
      ...(caller && { caller }),
      self: actor,
      metadata: context.metadata,
      tags: context.tags,
    },
    payload: payloadOfValue(payload, spelling),
    ...(caller && { caller }),
  });
  const body = toBinary(ActorInvocationSchema, request);
  const answer = await callAny(hosts, body, context.signal);
  const response = understood(answer);
  checkAnswerer(response, actor);
  return { response, stateBefore };
}

/** Asks the hosts one after the other, as long as those before have certainly not begun. */
async function callAny(
  hosts: readonly ActorHost[],
  body: Uint8Array,
  signal: AbortSignal,
): Promise<HttpResponse> {
  for (const host of hosts.slice(0, -1)) {
    try {
      return await host.call(body, signal);
    } catch (error) {
      if (!(error instanceof HostUnavailable) || !error.isUnsent) throw error;
    }
  }
  return await hosts.at(-1)!.call(body, signal);
}

/** SDKs answer errors with an empty body, a page for people, or without a context. */
function understood({ status, body }: HttpResponse): ActorInvocationResponse {
  if (body.length === 0)
    throw new Error(`the host answered ${status} and no more: its action failed`);
  let response: ActorInvocationResponse;
  try {
    response = decodeMessage(ActorInvocationResponseSchema, body);
  } catch (cause) {
    throw new Error(
      `the host answered ${status} with ${body.length} bytes that are no ActorInvocationResponse: its action failed`,
      { cause },
    );
  }
  if (response.updatedContext !== undefined) return response;
  throw new Error(`the host answered ${status} without a context: its action failed`);
}

function checkAnswerer(
  { actorName }: ActorInvocationResponse,
  actor: { readonly name: string; readonly parent: string },
): void {
  // One SDK finds actors whatever their case is, and some answer in the name of the parent.
  const isItself = [actor.name, actor.parent].some(
    (name) => name.toLowerCase() === actorName.toLowerCase(),
  );
  if (actorName === "" || isItself) return;
  throw new Error(
    `the host answered for ${JSON.stringify(actorName.slice(0, 100))}, another actor`,
  );
}

function takeState(
  { isStateful, stateType, clearsTags }: Hosting,
  context: ActionContext,
  { response, stateBefore }: Answer,
): void {
  if (!isStateful) return;
  const { state, tags } = response.updatedContext as Context;
  checkStateType(state?.typeUrl, stateType);
  const text = textOfState(state);
  if (text !== undefined && text !== stateBefore) context.state = text;
  if (clearsTags || Object.keys(tags).length > 0) context.tags = tags;
}

function checkStateType(typeUrl: string | undefined, expected: string | undefined): void {
  if (typeUrl === undefined || typeUrl === "" || expected === undefined) return;
  // It says that there is none.
  if (isNoop(typeUrl)) return;
  const type = typeNameOf(typeUrl);
  if (type === expected) return;
  throw new Error(
    `the host answered a state of type ${JSON.stringify(type.slice(0, 200))}, expected ${expected}`,
  );
}

/** The name of a message type; `JSONType` whatever its spelling is. */
export function typeNameOf(typeUrl: string): string {
  return isJsonType(typeUrl) ? "JSONType" : typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

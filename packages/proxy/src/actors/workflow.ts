/**
 * What a host wants done besides the answer: effects, one broadcast, and a pipe or a forward. All of it
 * becomes messages of the action that runs, stored with what it changes.
 */
import type { ActionContext, ActorId, SendRequest } from "spawn-mesh/engine";
import { targetOf } from "spawn-mesh/protocol";
import type { Broadcast, InvocationRequest, Workflow } from "spawn-mesh/protocol";
import { valueOfPayload } from "../wire-values.ts";
import { PUBLISH } from "../security/policies.ts";
import { metadataInTrace, traceContextIn } from "../observability/trace-context.ts";
import { checkActorName, findExisting } from "./directory.ts";
import type { Directory } from "./directory.ts";

/** Times before this one, in 1973, are no times but delays: an SDK sends what is left until then. */
const RELATIVE_MS_MAX = 100_000_000_000;

/** Where an action goes on, as the engine's host resolves it. */
export interface RouteTarget {
  readonly place: ActorId;
  readonly action: string;
}

/** @throws {SpawnError} `ACTOR_NOT_FOUND` for a pipe or forward to nobody, `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
export async function applyWorkflow(
  context: ActionContext,
  workflow: Workflow,
  directory: Directory,
): Promise<void> {
  for (const { request } of workflow.effects) {
    if (request !== undefined) await sendEffect(context, request, directory);
  }
  if (workflow.broadcast !== undefined) sendBroadcast(context, workflow.broadcast, directory);
  const { routing } = workflow;
  if (routing.case === undefined) return;
  const { actor: name, actionName: action, registerRef } = routing.value;
  directory.checkSend(context.self, action);
  const { system } = context.self;
  const place = await findExisting(directory, { system, name, parent: "", registerRef });
  const target: RouteTarget = { place, action };
  if (routing.case === "pipe") context.pipe(target, action);
  else context.forward(target, action);
}

async function sendEffect(
  context: ActionContext,
  request: InvocationRequest,
  directory: Directory,
): Promise<void> {
  directory.checkSend(context.self, request.actionName);
  const id = targetOf(request);
  const { name, parent } = id;
  const system = id.system === "" ? context.self.system : id.system;
  const { registerRef } = request;
  const found = await directory.find({ system, name, parent, registerRef });
  // An effect is a part of what sends it, unless it says what else it belongs to.
  const metadata = metadataInTrace(
    request.metadata,
    traceContextIn(request.metadata) === undefined ? context.metadata : {},
  );
  // Whoever is not there may come: the message waits.
  const definition = found?.definition ?? (registerRef || parent || name);
  checkActorName(definition);
  context.send(name, {
    system,
    definition,
    action: request.actionName,
    payload: valueOfPayload(request.payload, "payload of an effect"),
    ...dueTime(request),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  });
}

/** When a request is to be carried out, as options of the engine; nothing for at once. */
export function dueTime({
  scheduledTo,
}: Pick<InvocationRequest, "scheduledTo">): Pick<SendRequest, "delayMs" | "scheduledTo"> {
  if (scheduledTo === 0n) return {};
  const time = Number(scheduledTo);
  // One that is over means at once, as in any clock that is a little ahead.
  if (time < 0) return { delayMs: 0 };
  return time < RELATIVE_MS_MAX ? { delayMs: time } : { scheduledTo: time };
}

function sendBroadcast(context: ActionContext, broadcast: Broadcast, directory: Directory): void {
  const payload = valueOfPayload(broadcast.payload, "payload of a broadcast");
  const { channelGroup, actionName } = broadcast;
  directory.checkSend(context.self, PUBLISH);
  if (actionName !== "") directory.checkSend(context.self, actionName);
  context.broadcast(channelGroup, payload, actionName === "" ? undefined : actionName);
}

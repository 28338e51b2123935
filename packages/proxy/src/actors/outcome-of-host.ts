/**
 * What the protocol has no words for, and the host's SDK says nevertheless: messages with an id of their
 * own or at the times of a cron expression, several broadcasts, what is cancelled, that no tags are left, and
 * by which fields the actor is found.
 */
import type { ActionContext, SendOptions } from "spawn-mesh/engine";
import { SpawnError, storedId } from "spawn-mesh/engine";
import { OutcomeSchema, furtherFields } from "spawn-mesh/protocol";
import type { ActorInvocationResponse, Outcome, Sent } from "spawn-mesh/protocol";
import { PUBLISH } from "../security/policies.ts";
import { valueOfPayload } from "../wire-values.ts";
import { checkActorName } from "./directory.ts";
import type { Directory } from "./directory.ts";
import { notTooOften } from "./shortest-period.ts";

/** What a host says of that; `undefined` if nothing. */
export function outcomeOf(response: ActorInvocationResponse): Outcome | undefined {
  return furtherFields(OutcomeSchema, response);
}

/** @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE`, `UNAUTHORIZED` */
export async function applyOutcome(
  context: ActionContext,
  { sent, cancelled, clearsTags }: Outcome,
  directory: Directory,
): Promise<void> {
  for (const message of sent) await send(context, message, directory);
  for (const id of cancelled) cancel(context, id);
  if (clearsTags) context.tags = {};
}

/** The fields that the actor is found by; `undefined` if the host has told none. @throws {SpawnError} `INVALID_ARGUMENT` */
export function indexIn({ index }: Outcome): unknown {
  if (index === "") return undefined;
  try {
    return JSON.parse(index);
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", "index: expected JSON", { cause });
  }
}

async function send(context: ActionContext, message: Sent, directory: Directory): Promise<void> {
  const { channel, external, name, action, definition } = message;
  const payload = valueOfPayload(
    message.payload === undefined ? { case: undefined } : { case: "value", value: message.payload },
    "payload of a message",
  );
  directory.checkSend(context.self, channel === "" ? external || action : PUBLISH);
  if (channel !== "") return void context.broadcast(channel, payload);
  if (external !== "") return void context.external(external, payload, optionsOf(message));
  const system = message.system === "" ? context.self.system : message.system;
  // An instance is then found by its name alone.
  const registerRef = definition === name ? "" : definition;
  const found = await directory.find({ system, name, parent: "", registerRef });
  const target = found?.definition ?? (definition || name);
  checkActorName(target);
  context.send(name, {
    ...optionsOf(message),
    system,
    definition: target,
    action,
    payload,
  });
}

/** Its own messages: the actor behind an id may be one of another host. @throws {SpawnError} `INVALID_ARGUMENT` */
function cancel(context: ActionContext, id: string): void {
  const [given = ""] = id.split("@");
  if (id !== given && id !== storedId(context.self, given)) {
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `cancel: ${JSON.stringify(id.slice(0, 130))} is the message of another actor; expected one of ${context.self.name}`,
    );
  }
  context.cancel(id);
}

function optionsOf({ options }: Sent): SendOptions {
  try {
    return notTooOften(Object(JSON.parse(options)) as SendOptions);
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", "options of a message: expected JSON", { cause });
  }
}

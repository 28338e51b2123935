/**
 * What the protocol has no words for, and the host's SDK says nevertheless: messages with an id of their
 * own or at the times of a cron expression, several broadcasts, what is cancelled, and that no tags are left.
 */
import type { ActionContext, SendOptions } from "spawn-mesh/engine";
import { SpawnError } from "spawn-mesh/engine";
import { OutcomeSchema } from "spawn-mesh/protocol";
import type { ActorInvocationResponse, Outcome, Sent } from "spawn-mesh/protocol";
import { furtherFields } from "../further-fields.ts";
import { valueOfPayload } from "../wire-values.ts";
import type { Directory } from "./directory.ts";

/** What a host says of that; `undefined` if nothing. */
export function outcomeOf(response: ActorInvocationResponse): Outcome | undefined {
  return furtherFields(OutcomeSchema, response);
}

/** @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
export async function applyOutcome(
  context: ActionContext,
  { sent, cancelled, clearsTags }: Outcome,
  directory: Directory,
): Promise<void> {
  for (const message of sent) await send(context, message, directory);
  for (const id of cancelled) context.cancel(id);
  if (clearsTags) context.tags = {};
}

async function send(context: ActionContext, message: Sent, directory: Directory): Promise<void> {
  const { channel, name, action, definition } = message;
  const payload = valueOfPayload(
    message.payload === undefined ? { case: undefined } : { case: "value", value: message.payload },
    "payload of a message",
  );
  if (channel !== "") return void context.broadcast(channel, payload);
  const system = message.system === "" ? context.self.system : message.system;
  // An instance is then found by its name alone.
  const registerRef = definition === name ? "" : definition;
  const found = await directory.find({ system, name, parent: "", registerRef });
  context.send(name, {
    ...optionsOf(message.options),
    system,
    definition: found?.definition ?? (definition || name),
    action,
    payload,
  });
}

function optionsOf(text: string): SendOptions {
  try {
    return JSON.parse(text) as SendOptions;
  } catch (cause) {
    throw new SpawnError("INVALID_ARGUMENT", "options of a message: expected JSON", { cause });
  }
}

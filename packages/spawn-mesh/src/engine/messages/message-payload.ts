/** The payload of a message: how it is stored, read again, and counted. */
import assert from "node:assert";
import type { Limits } from "../limits.ts";
import type { Message } from "../message-store.ts";
import { isSealed } from "../sealed-rows.ts";
import { textOfValue, valueOfText } from "../values/value-text.ts";
import { copyBounded } from "../values/values.ts";

/** A payload as it is stored. @throws {SpawnError} `INVALID_ARGUMENT`, `PAYLOAD_TOO_LARGE` */
export function payloadText(payload: unknown, { payloadBytesMax }: Limits): string | null {
  const copied = copyBounded(payload, "payload", payloadBytesMax);
  return copied === undefined ? null : textOfValue(copied);
}

/** The payload of a stored message. */
export function payloadOf(message: Pick<Message, "payload">): unknown {
  const text = readablePayload(message);
  return text === null ? undefined : valueOfText(text);
}

/** Nobody comes here with a message that could not be opened: the outbox parks it. */
export function readablePayload({ payload }: Pick<Message, "payload">): string | null {
  assert(!isSealed(payload), "an encrypted payload is used unopened");
  return payload;
}

/** About how much memory it takes, in UTF-16 units. */
export function unitsOf(
  message: Pick<Message, "payload" | "action" | "target" | "headers">,
): number {
  const { action, target, headers } = message;
  let units = (readablePayload(message)?.length ?? 0) + action.length;
  units += target.definition.length + target.name.length;
  for (const key in headers.metadata) units += key.length + headers.metadata[key]!.length;
  return units + MESSAGE_UNITS;
}

/** What a message takes besides its payload, names and metadata, about. */
const MESSAGE_UNITS = 256;

/** How messages look on their way to the worker and back, and in the file. */
import type { Message, StoredMessage } from "../../engine/message-store.ts";
import { IS_ORDERED, IS_TIMER } from "../message-flags.ts";
import { headersOfText, namesOfText, textOfNames } from "../stored-texts.ts";
import { numberIn } from "./stored-numbers.ts";
import { sealableColumns, textOf } from "./sealed-columns.ts";
import type { PackedReader, PackedWriter } from "./packed-rows.ts";

const ERROR = 11;

/** The columns of a message, in the order of {@link MESSAGE_COLUMNS}. */
export type MessageColumns = readonly [
  id: string,
  source: string | null,
  target: string,
  action: string,
  keyId: string | null,
  payload: string | Uint8Array | null,
  headers: string,
  flags: number,
  sentAt: number,
  dueAt: number,
];

export const MESSAGE_COLUMNS =
  "id, source, target, action, key_id, payload, headers, flags, sent_at, due_at";

/** The columns of a stored message: those of {@link STORED_COLUMNS}. */
export type StoredColumns = readonly [...MessageColumns, attempts: number, error: string | null];

export const STORED_COLUMNS: string = `${MESSAGE_COLUMNS}, attempts, error`;

export function columnsOf(message: Message): MessageColumns {
  const { id, source, target, action, payload, headers, sentAt, dueAt } = message;
  return [
    id,
    source === undefined ? null : textOfNames(source),
    textOfNames(target),
    action,
    ...sealableColumns(payload),
    JSON.stringify(headers),
    flagsOf(message),
    sentAt,
    dueAt,
  ];
}

function flagsOf({ isOrdered, isTimer }: Message): number {
  return (isOrdered ? IS_ORDERED : 0) | (isTimer ? IS_TIMER : 0);
}

/** @throws {SpawnError} `STATE_CORRUPT` */
export function storedMessage(columns: StoredColumns): StoredMessage {
  const [id, source, target, action, keyId, payload, headers, flags, sentAt, dueAt, attempts] =
    columns;
  const bits = numberIn("flags", flags);
  const error = columns[ERROR];
  return {
    id,
    source: source === null ? undefined : namesOfText("source", source),
    target: namesOfText("target", target),
    action,
    payload: textOf([keyId, payload]),
    headers: headersOfText(headers),
    isOrdered: (bits & IS_ORDERED) !== 0,
    isTimer: (bits & IS_TIMER) !== 0,
    sentAt: numberIn("sent_at", sentAt),
    dueAt: numberIn("due_at", dueAt),
    attempts: numberIn("attempts", attempts),
    error: error ?? undefined,
  };
}

/** The messages of one commit: their source is the actor that commits. */
export function packMessages(writer: PackedWriter, messages: readonly Message[]): void {
  writer.number(messages.length);
  for (const message of messages) {
    writer.value(message.id);
    writer.value(textOfNames(message.target));
    writer.value(message.action);
    writer.sealable(message.payload);
    writer.value(JSON.stringify(message.headers));
    writer.number(flagsOf(message));
    writer.number(message.sentAt);
    writer.number(message.dueAt);
  }
}

export function unpackMessages(reader: PackedReader, source: string): readonly MessageColumns[] {
  return reader.list((): MessageColumns => {
    const id = reader.text();
    const target = reader.text();
    const action = reader.text();
    const [keyId, payload] = sealableColumns(reader.sealable());
    const headers = reader.text();
    const flags = reader.number();
    const sentAt = reader.number();
    return [id, source, target, action, keyId, payload, headers, flags, sentAt, reader.number()];
  });
}

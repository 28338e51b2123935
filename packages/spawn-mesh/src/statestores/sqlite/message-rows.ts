/** How messages look on their way to the worker and back, and in the file. */
import type { ActorId } from "../../engine/actor-id.ts";
import { describeThrown, SpawnError } from "../../engine/errors.ts";
import type { Message, MessageHeaders, StoredMessage } from "../../engine/message-store.ts";
import { sealableColumns, textOf } from "./sealed-columns.ts";
import type { PackedReader, PackedWriter } from "./packed-rows.ts";

const ERROR = 11;
const IS_ORDERED = 1;
const IS_TIMER = 2;

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

/** An actor as one text that no other actor has. */
export function actorText({ system, definition, name }: ActorId): string {
  return JSON.stringify([system, definition, name]);
}

function actorOf(text: string): ActorId {
  const [system, definition, name] = JSON.parse(text) as [string, string, string];
  return { system, definition, name };
}

export function columnsOf(message: Message): MessageColumns {
  const { id, source, target, action, payload, headers, sentAt, dueAt } = message;
  return [
    id,
    source === undefined ? null : actorText(source),
    actorText(target),
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
  const error = columns[ERROR];
  try {
    return {
      id,
      source: source === null ? undefined : actorOf(source),
      target: actorOf(target),
      action,
      payload: textOf([keyId, payload]),
      headers: JSON.parse(headers) as MessageHeaders,
      isOrdered: (flags & IS_ORDERED) !== 0,
      isTimer: (flags & IS_TIMER) !== 0,
      sentAt,
      dueAt,
      attempts,
      error: error ?? undefined,
    };
  } catch (cause) {
    const message = `the stored message ${id} is damaged: ${describeThrown(cause)}`;
    throw new SpawnError("STATE_CORRUPT", message, { cause });
  }
}

/** The messages of one commit: their source is the actor that commits. */
export function packMessages(writer: PackedWriter, messages: readonly Message[]): void {
  writer.number(messages.length);
  for (const message of messages) {
    writer.value(message.id);
    writer.value(actorText(message.target));
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

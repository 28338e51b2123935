/** Rows of `spawn_outbox` and `spawn_parked`, and what they mean. */
import {
  DOUBTFUL_ATTEMPTS,
  type Message,
  type MessageClaim,
  type MessageRef,
  type ParkedMessage,
  type StoredMessage,
} from "../../engine/message-store.ts";
import { isSealed } from "../../engine/sealed-rows.ts";
import { IS_ORDERED, IS_TIMER } from "../message-flags.ts";
import { headersOfText, namesOfText, textOfNames } from "../stored-texts.ts";
import { keyOfActor, keyOfLane } from "./actor-key.ts";
import type { ColumnType } from "./dialect.ts";
import { numberOf, optionalText, textOf } from "./driver-values.ts";
import { sealableColumns, textOrSealed } from "./sealed-columns.ts";
import { joined, type Sql, sql, type SqlValue, text } from "./sql.ts";

/** Where messages are: those that wait, and those that were given up. */
export type MessageTable = "spawn_outbox" | "spawn_parked";

/** What a message is written as: `src`, `lane` and `dst` are keys, `units` the size of its payload. */
export const SENT_COLUMNS: Readonly<Record<string, ColumnType>> = {
  id: "bytes",
  src: "bytes",
  lane: "bytes",
  dst: "bytes",
  source: "text",
  target: "text",
  action: "text",
  key_id: "text",
  payload: "bytes",
  units: "int",
  headers: "text",
  flags: "int",
  sent_at: "bigint",
  due_at: "bigint",
};

/** What comes back of a message. */
export const MESSAGE_COLUMNS =
  "id, source, target, action, key_id, payload, headers, flags, sent_at, due_at, attempts, error";

export const PARKED_COLUMNS: string = `${MESSAGE_COLUMNS}, parked_at`;

/** A message as values of {@link SENT_COLUMNS}. */
export function sentRow(message: Message): readonly SqlValue[] {
  const { id, source, target, action, payload, headers, isOrdered } = message;
  const from = source === undefined ? null : keyOfActor(source);
  const to = keyOfActor(target);
  return [
    idBytes(id),
    from,
    from !== null && isOrdered ? keyOfLane(from, to) : null,
    to,
    source === undefined ? null : textOfNames(source),
    textOfNames(target),
    action,
    ...sealableColumns(payload),
    (isSealed(payload) ? payload.bytes : payload)?.length ?? 0,
    JSON.stringify(headers),
    flagsOf(message),
    message.sentAt,
    message.dueAt,
  ];
}

function flagsOf({ isOrdered, isTimer }: Message): number {
  return (isOrdered ? IS_ORDERED : 0) | (isTimer ? IS_TIMER : 0);
}

/** The condition that a row of the outbox stands where a message of its id would. */
export function isInPlaceOf(message: Message): Sql {
  const { source, target } = message;
  const isFrom = source === undefined ? sql`src IS NULL` : sql`src = ${keyOfActor(source)}`;
  return sql`${isFrom} AND dst = ${keyOfActor(target)} AND flags = ${flagsOf(message)}`;
}

/** Ids are ASCII; as bytes no collation can take one for another. */
export function idBytes(id: string): Buffer {
  return Buffer.from(id, "latin1");
}

/** The condition that a row of the outbox, named `table`, is one of these messages. */
export function areThese(table: string, refs: readonly MessageRef[]): Sql {
  const each = refs.map(
    ({ id, sentAt }) =>
      sql`(${text(table)}.id = ${idBytes(id)} AND ${text(table)}.sent_at = ${sentAt})`,
  );
  return each.length === 0 ? sql`1 = 0` : sql`(${joined(each, " OR ")})`;
}

/** The condition that a row of the outbox, named `table`, is due, and as doubtful as the claim wants it. */
export function isClaimable(table: string, { wall, isDoubtful }: MessageClaim): Sql {
  const doubtful = `(${table}.is_unanswered = 1 AND ${table}.attempts >= ${DOUBTFUL_ATTEMPTS})`;
  return sql`${text(table)}.due_at <= ${wall} AND ${text(isDoubtful ? doubtful : `NOT ${doubtful}`)}`;
}

/** A row of {@link MESSAGE_COLUMNS}. @throws {SpawnError} `STATE_CORRUPT` */
export function storedMessage(row: readonly unknown[]): StoredMessage {
  const [id, source, target, action, keyId, payload, headers, flags, sentAt, dueAt, ...tried] = row;
  const [attempts, error] = tried;
  const bits = numberOf(flags);
  return {
    id: textOf(id),
    source: source === null ? undefined : namesOfText("source", textOf(source)),
    target: namesOfText("target", textOf(target)),
    action: textOf(action),
    payload: textOrSealed(keyId, payload),
    headers: headersOfText(textOf(headers)),
    isOrdered: (bits & IS_ORDERED) !== 0,
    isTimer: (bits & IS_TIMER) !== 0,
    sentAt: numberOf(sentAt),
    dueAt: numberOf(dueAt),
    attempts: numberOf(attempts),
    error: optionalText(error),
  };
}

/** A row of {@link PARKED_COLUMNS}. @throws {SpawnError} `STATE_CORRUPT` */
export function parkedMessage(row: readonly unknown[]): ParkedMessage {
  const message = storedMessage(row);
  return { ...message, error: message.error ?? "", parkedAt: numberOf(row.at(-1)) };
}

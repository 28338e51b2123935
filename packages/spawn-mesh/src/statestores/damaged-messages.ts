/**
 * Messages whose rows are damaged, as far as they can be read. Rows have the columns of every statestore, in
 * their order: id, source, target, action, key_id, payload, headers, flags, sent_at, due_at, attempts, error.
 */
import type { ActorId } from "../engine/actor-id.ts";
import type { DamagedRow } from "../engine/damaged-rows.ts";
import { describeThrown, isSpawnError, messageOf } from "../engine/errors.ts";
import type { MessageHeaders, StoredMessage } from "../engine/message-store.ts";
import { isSealed } from "../engine/sealed-rows.ts";
import { IS_ORDERED, IS_TIMER } from "./message-flags.ts";
import { headersOfText, namesOfText } from "./stored-texts.ts";

type Row = readonly unknown[];

const NOBODY: ActorId = { system: "", definition: "", name: "" };
const NO_HEADERS: MessageHeaders = { kind: "call" };
const NOTHING = new Uint8Array(0);

/** A message among others, which a damaged one does not hide. */
export function messageAmongOthers<Columns extends Row>(
  read: (columns: Columns) => StoredMessage,
  columns: Columns,
): StoredMessage {
  try {
    return read(columns);
  } catch (error) {
    return damagedMessage(columns, error);
  }
}

/** Whether a message that was found among others is damaged. */
export function isDamaged({ payload }: StoredMessage): boolean {
  return isSealed(payload) && payload.problem !== undefined;
}

function damagedMessage(row: Row, problem: unknown): StoredMessage {
  const [id, source, target, action, , , headers, flags, sentAt, dueAt, attempts, error] = row;
  const bits = Number(flags);
  return {
    id: readable(id),
    source: source === null ? undefined : orNothing(() => namesOfText("source", readable(source))),
    target: orNothing(() => namesOfText("target", readable(target))) ?? NOBODY,
    action: readable(action),
    payload: { keyId: "", bytes: NOTHING, problem: `is damaged: ${problemText(problem)}` },
    headers: orNothing(() => headersOfText(readable(headers))) ?? NO_HEADERS,
    isOrdered: (bits & IS_ORDERED) !== 0,
    isTimer: (bits & IS_TIMER) !== 0,
    sentAt: Number(sentAt),
    dueAt: Number(dueAt),
    attempts: Number(attempts),
    error: error === null ? undefined : readable(error),
  };
}

/** A damaged message for those who walk through the rows of a system; `undefined` if it is of another one. */
export function damagedMessageRow(
  of: "message" | "parked",
  columns: Row,
  { system, problem }: { readonly system?: string | undefined; readonly problem: unknown },
): DamagedRow | undefined {
  const [id, source, target, , keyId] = columns;
  const owner = orNothing(() => namesOfText("source", readable(source ?? target)).system);
  if (system !== undefined && owner !== undefined && owner !== system) return undefined;
  return {
    kind: "damaged",
    of,
    actor: undefined,
    key: readable(id),
    isOwn: owner !== undefined,
    keyId: keyId === null ? undefined : readable(keyId),
    problem: problemText(problem),
  };
}

/** Any value as a text to be shown. */
export function readable(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
}

export function problemText(error: unknown): string {
  return isSpawnError(error) ? messageOf(error) : describeThrown(error);
}

function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

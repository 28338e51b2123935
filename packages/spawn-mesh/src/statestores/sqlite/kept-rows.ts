/** What is kept beside an actor's row: revisions and replies, as they are selected. */
import type { ActorId } from "../../engine/actor-id.ts";
import type { DamagedRow } from "../../engine/damaged-rows.ts";
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import { problemText, readable } from "../damaged-messages.ts";
import { codecOf } from "../stored-codec.ts";
import { tagsOfText } from "../stored-texts.ts";
import { replyKind } from "./commit-rows.ts";
import { numberIn } from "./stored-numbers.ts";
import { stateOf, textOf } from "./sealed-columns.ts";

/** The columns of {@link REPLY_COLUMNS}. */
export type ReplyColumns = readonly [
  fingerprint: string,
  keyId: string | null,
  reply: string | Uint8Array | null,
  isReplyDropped: number,
  expireAt: number,
  kind: number,
];

export const REPLY_COLUMNS = "fingerprint, key_id, reply, is_reply_dropped, expire_at, kind";

/** The columns of {@link HISTORY_COLUMNS}. */
export type HistoryColumns = readonly [
  revision: number,
  etag: Uint8Array,
  at: number,
  stateVersion: number,
  tags: string | null,
  keyId: string | null,
  state: string | Uint8Array,
  codec: number,
];

export const HISTORY_COLUMNS = "revision, etag, at, state_version, tags, key_id, state, codec";

/** Where it stands in {@link HISTORY_COLUMNS}. */
export const KEPT_KEY_ID = 5;

/** Which row it is, for those who are told that it is damaged. */
type Place = Pick<DamagedRow, "of" | "actor" | "key"> & { readonly keyId?: unknown };

export function revisionAt(actor: ActorId, columns: HistoryColumns): Place {
  return { of: "revision", actor, key: readable(columns[0]), keyId: columns[KEPT_KEY_ID] };
}

export function replyAt(actor: ActorId, key: string, [, keyId]: ReplyColumns): Place {
  return { of: "reply", actor, key: readable(key), keyId };
}

/** A row, or what is known of it when it is damaged: that concerns those who ask for it, and the others go on. */
export function foundOr<Found>({ keyId, ...place }: Place, read: () => Found): Found | DamagedRow {
  try {
    return read();
  } catch (error) {
    return {
      kind: "damaged",
      ...place,
      isOwn: true,
      keyId: typeof keyId === "string" ? keyId : undefined,
      problem: problemText(error),
    };
  }
}

export function storedReply(key: string, columns: ReplyColumns): StoredReply {
  const [fingerprint, keyId, value, isReplyDropped, expiresAt, kind] = columns;
  const reply = isReplyDropped === 1 ? undefined : textOf([keyId, value]);
  return {
    key,
    fingerprint,
    kind: replyKind(kind),
    reply,
    expiresAt: numberIn("expire_at", expiresAt),
  };
}

/** @throws {SpawnError} `STATE_CORRUPT` */
export function keptState(columns: HistoryColumns): StoredState {
  const [revision, etag, at, stateVersion, tags, keyId, state, codec] = columns;
  return {
    revision: numberIn("revision", revision),
    etag: Buffer.from(etag).toString("latin1"),
    at: numberIn("at", at),
    codec: codecOf(codec),
    stateVersion: numberIn("state_version", stateVersion),
    tags: tags === null ? undefined : tagsOfText(tags),
    state: stateOf([keyId, state]) ?? undefined,
  };
}

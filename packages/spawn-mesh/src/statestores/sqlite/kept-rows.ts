/** What is kept beside an actor's row: revisions and replies, as they are selected. */
import type { StoredReply, StoredState } from "../../engine/statestore.ts";
import { codecOf } from "../stored-codec.ts";
import { replyKind } from "./commit-rows.ts";
import { parseTags } from "./load-rows.ts";
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

export function storedReply(key: string, columns: ReplyColumns): StoredReply {
  const [fingerprint, keyId, value, isReplyDropped, expiresAt, kind] = columns;
  const reply = isReplyDropped === 1 ? undefined : textOf([keyId, value]);
  return { key, fingerprint, kind: replyKind(kind), reply, expiresAt };
}

/** @throws {SpawnError} `STATE_CORRUPT` */
export function keptState(columns: HistoryColumns): StoredState {
  const [revision, etag, at, stateVersion, tags, keyId, state, codec] = columns;
  return {
    revision,
    etag: Buffer.from(etag).toString("latin1"),
    at,
    codec: codecOf(codec),
    stateVersion,
    tags: parseTags(tags),
    state: stateOf([keyId, state]) ?? undefined,
  };
}

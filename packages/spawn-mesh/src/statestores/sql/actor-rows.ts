/** Rows of `spawn_actor`, `spawn_history` and `spawn_inbox`, and what they mean. */
import { type ActorId, formatActorId } from "../../engine/actor-id.ts";
import { SpawnError } from "../../engine/errors.ts";
import type {
  Commit,
  StateBytes,
  StoredActor,
  StoredReply,
  StoredState,
  Tags,
} from "../../engine/statestore.ts";
import { handleOf, latin1 } from "./actor-key.ts";
import {
  bytesOf,
  jsonOf,
  numberOf,
  optionalNumber,
  optionalText,
  textOf,
} from "./driver-values.ts";

/** The actor is deleted: a tombstone. */
export const IS_DELETED = 1;
/** The state is a text, kept as UTF-8. */
const IS_TEXT = 4;

/** JSON is the only codec there is. */
export const CODEC_JSON = 0;

const REPLY_KINDS = ["reply", "continued", "failed"] as const;

export const STATE_COLUMNS = "rev, at, state_version, tags, flags, state";

export const ACTOR_COLUMNS: string = `${STATE_COLUMNS}, k, "system", definition, name, etag,
  base_etag, epoch, owner, kept_at`;

export const REPLY_COLUMNS = "fingerprint, status, reply, is_dropped, expire_at";

/** The flags of the row that a commit leaves. */
export function flagsOf({ isDelete, state }: Commit): number {
  return (isDelete ? IS_DELETED : 0) | (typeof state === "string" ? IS_TEXT : 0);
}

export function tagsText(tags: Tags | undefined): string | null {
  return tags === undefined ? null : JSON.stringify(tags);
}

export function replyStatus({ kind }: StoredReply): number {
  return REPLY_KINDS.indexOf(kind);
}

/** A row of {@link STATE_COLUMNS}. @throws {SpawnError} `STATE_CORRUPT` */
export function storedState(row: readonly unknown[]): StoredState {
  const [revision, at, stateVersion, tags, flags, state] = row;
  return {
    state: stateOf(state, numberOf(flags)),
    codec: "json",
    stateVersion: numberOf(stateVersion),
    tags: tags === null ? undefined : (jsonOf("tags", tags) as Tags),
    revision: numberOf(revision),
    at: numberOf(at),
  };
}

/**
 * A row of {@link ACTOR_COLUMNS} and the count of what it has sent.
 *
 * @throws {SpawnError} `STATE_CORRUPT`, `KEY_COLLISION` when the row is another actor's
 */
export function storedActor(row: readonly unknown[], actor: ActorId): StoredActor {
  const [key, system, definition, name, etag, baseEtag, epoch, owner, keptAt, unsent] =
    row.slice(6);
  const found = { system: textOf(system), definition: textOf(definition), name: textOf(name) };
  if (!isSame(found, actor)) {
    throw new SpawnError(
      "KEY_COLLISION",
      `the row of ${formatActorId(actor)} is the one of ${formatActorId(found)}: both have the same key`,
    );
  }
  return {
    ...storedState(row),
    handle: handleOf(bytesOf(key)),
    etag: latin1(bytesOf(etag)),
    baseEtag: baseEtag === null ? undefined : latin1(bytesOf(baseEtag)),
    epoch: numberOf(epoch),
    owner: textOf(owner),
    isDeleted: (numberOf(row[4]) & IS_DELETED) !== 0,
    keptAt: optionalNumber(keptAt),
    unsent: numberOf(unsent),
  };
}

/** A row of {@link REPLY_COLUMNS}. @throws {SpawnError} `STATE_CORRUPT` */
export function storedReply(key: string, row: readonly unknown[]): StoredReply {
  const [fingerprint, status, reply, isDropped, expiresAt] = row;
  const kind = REPLY_KINDS[numberOf(status)];
  if (kind === undefined)
    throw new SpawnError(
      "STATE_CORRUPT",
      `a stored reply has the unknown status ${String(status)}`,
    );
  return {
    key,
    fingerprint: textOf(fingerprint),
    kind,
    reply: numberOf(isDropped) === 1 ? undefined : (optionalText(reply) ?? null),
    expiresAt: numberOf(expiresAt),
  };
}

/** A state as bytes of a database. */
export function stateBytes(state: StateBytes | undefined): Uint8Array | null {
  if (state === undefined) return null;
  return typeof state === "string" ? Buffer.from(state) : state;
}

function stateOf(state: unknown, flags: number): StateBytes | undefined {
  if (state === null) return undefined;
  if ((flags & IS_TEXT) !== 0) return textOf(state);
  const bytes = bytesOf(state);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isSame(one: ActorId, other: ActorId): boolean {
  return (
    one.system === other.system && one.definition === other.definition && one.name === other.name
  );
}

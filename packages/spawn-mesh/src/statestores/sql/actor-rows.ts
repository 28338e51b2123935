/** Rows of `spawn_actor`, `spawn_history` and `spawn_inbox`, and what they mean. */
import { type ActorId, formatActorId } from "../../engine/actor-id.ts";
import { SpawnError, isSpawnError, messageOf } from "../../engine/errors.ts";
import type {
  Commit,
  StateBytes,
  StoredActor,
  StoredReply,
  StoredState,
  Tags,
} from "../../engine/statestore.ts";
import type { Sealed } from "../../engine/sealed-rows.ts";
import { codecOf } from "../stored-codec.ts";
import { tagsOfText } from "../stored-texts.ts";
import { handleOf, latin1 } from "./actor-key.ts";
import { bytesOf, numberOf, optionalNumber, textOf } from "./driver-values.ts";
import { plainBytes, sealedOf, textOrSealed } from "./sealed-columns.ts";

/** The actor is deleted: a tombstone. */
export const IS_DELETED = 1;
/** The state is a text, kept as UTF-8. */
const IS_TEXT = 4;

const REPLY_KINDS = ["reply", "continued", "failed"] as const;

export const STATE_COLUMNS = "rev, at, state_version, tags, flags, key_id, state, etag, codec";

export const ACTOR_COLUMNS: string = `${STATE_COLUMNS}, k, "system", definition, name,
  base_etag, epoch, owner, kept_at`;

export const REPLY_COLUMNS = "fingerprint, status, key_id, reply, is_dropped, expire_at";

/** The flags of the row that a commit leaves. */
export function flagsOf({ isDelete, state }: Commit): number {
  return (isDelete ? IS_DELETED : 0) | stateFlags(state);
}

/** The flags that say what the bytes of a state are. */
export function stateFlags(state: StateBytes | Sealed | undefined): number {
  return typeof state === "string" ? IS_TEXT : 0;
}

export function tagsText(tags: Tags | undefined): string | null {
  return tags === undefined ? null : JSON.stringify(tags);
}

export function replyStatus({ kind }: StoredReply): number {
  return REPLY_KINDS.indexOf(kind);
}

/** A row of {@link STATE_COLUMNS}. @throws {SpawnError} `STATE_CORRUPT` */
export function storedState(row: readonly unknown[]): StoredState {
  const [revision, at, stateVersion, tags, flags, keyId, state, etag, codec] = row;
  return {
    etag: latin1(bytesOf(etag)),
    state: keyId === null ? stateOf(state, numberOf(flags)) : sealedOf(keyId, state),
    codec: codecOf(codec),
    stateVersion: numberOf(stateVersion),
    tags: tags === null ? undefined : tagsOfText(textOf(tags)),
    revision: numberOf(revision),
    at: numberOf(at),
  };
}

/**
 * A row of {@link ACTOR_COLUMNS} and the count of what it has sent.
 *
 * @throws {SpawnError} `KEY_COLLISION` when the row is another actor's
 */
export function storedActor(row: readonly unknown[], actor: ActorId): StoredActor {
  const [key, system, definition, name, baseEtag, epoch, owner, keptAt, unsent] = row.slice(9);
  const found = { system: textOf(system), definition: textOf(definition), name: textOf(name) };
  if (!isSame(found, actor)) {
    throw new SpawnError(
      "KEY_COLLISION",
      `the row of ${formatActorId(actor)} is the one of ${formatActorId(found)}: both have the same key`,
    );
  }
  return {
    ...stateOrProblem(row),
    handle: handleOf(bytesOf(key)),
    baseEtag: baseEtag === null ? undefined : latin1(bytesOf(baseEtag)),
    epoch: numberOf(epoch),
    owner: textOf(owner),
    isDeleted: (numberOf(row[4]) & IS_DELETED) !== 0,
    keptAt: optionalNumber(keptAt),
    unsent: numberOf(unsent),
  };
}

/** What can be said of the row when its state or tags are damaged is enough to replace them. */
export function stateOrProblem(row: readonly unknown[]): StoredState {
  try {
    return storedState(row);
  } catch (error) {
    if (!isSpawnError(error)) throw error;
    const [revision, at, stateVersion, , , , , etag] = row;
    return {
      etag: latin1(bytesOf(etag)),
      state: undefined,
      codec: "json",
      stateVersion: numberOf(stateVersion),
      tags: undefined,
      revision: numberOf(revision),
      at: numberOf(at),
      problem: messageOf(error),
    };
  }
}

/** A row of {@link REPLY_COLUMNS}. @throws {SpawnError} `STATE_CORRUPT` */
export function storedReply(key: string, row: readonly unknown[]): StoredReply {
  const [fingerprint, status, keyId, reply, isDropped, expiresAt] = row;
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
    reply: numberOf(isDropped) === 1 ? undefined : textOrSealed(keyId, reply),
    expiresAt: numberOf(expiresAt),
  };
}

function stateOf(state: unknown, flags: number): StateBytes | undefined {
  if (state === null) return undefined;
  if ((flags & IS_TEXT) !== 0) return textOf(state);
  return plainBytes(state);
}

function isSame(one: ActorId, other: ActorId): boolean {
  return (
    one.system === other.system && one.definition === other.definition && one.name === other.name
  );
}

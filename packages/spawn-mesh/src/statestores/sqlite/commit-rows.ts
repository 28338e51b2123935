/** How commits look on their way to the worker. Creates carry names, updates carry a handle. */
import assert from "node:assert";
import type { ActorId } from "../../engine/actor-id.ts";
import { SpawnError } from "../../engine/errors.ts";
import type { IndexEntry } from "../../engine/values/index-values.ts";
import type { MessageRef } from "../../engine/message-store.ts";
import type { Commit, StoredReply } from "../../engine/statestore.ts";
import { textOfNames } from "../stored-texts.ts";
import { type MessageColumns, packMessages, unpackMessages } from "./message-rows.ts";
import { type PackedReader, type PackedRows, PackedWriter } from "./packed-rows.ts";

/** Stands for the handle of a row that is to be created; rowids begin at 1. */
export const NO_HANDLE = 0;

/** The answer for a commit that was refused. */
export const REFUSED = 0;

/** Flags of a commit. */
export const IS_DELETE = 1;
export const HAS_MESSAGES = 2;
export const HAS_INDEX = 4;
export const HAS_AGE = 8;

const NUMBERS_PER_COMMIT = 12;

export function packCommits(commits: readonly Commit[]): PackedRows {
  const writer = new PackedWriter(commits.length * NUMBERS_PER_COMMIT);
  for (const commit of commits) packCommit(writer, commit);
  return writer.finish();
}

function packCommit(writer: PackedWriter, commit: Commit): void {
  if (commit.handle === undefined) {
    writer.number(NO_HANDLE);
    writer.value(commit.actor.system);
    writer.value(commit.actor.definition);
    writer.value(commit.actor.name);
  } else {
    assert(typeof commit.handle === "number" && commit.previous !== undefined);
    writer.number(commit.handle);
    writer.id(commit.previous);
  }
  writer.id(commit.etag);
  const { consumes, cancels, sends } = commit;
  const hasMessages = consumes.length > 0 || cancels.length > 0 || sends.length > 0;
  writer.number(flagsOf(commit, hasMessages));
  writer.sealable(commit.isDelete ? undefined : commit.state);
  writer.number(commit.stateVersion);
  writer.value(commit.tags === undefined ? undefined : JSON.stringify(commit.tags));
  writer.number(commit.revision);
  writer.number(commit.at);
  writer.number(commit.revisionsKept);
  writer.number(commit.replies.length);
  for (const reply of commit.replies) packReply(writer, reply);
  if (commit.isDelete || hasMessages) packMessagesOf(writer, commit);
  if (commit.index !== undefined) packIndex(writer, commit.actor, commit.index);
  if (commit.revisionsSince !== undefined) writer.number(commit.revisionsSince);
}

function flagsOf({ isDelete, index, revisionsSince }: Commit, hasMessages: boolean): number {
  return (
    (isDelete ? IS_DELETE : 0) |
    (hasMessages ? HAS_MESSAGES : 0) |
    (index === undefined ? 0 : HAS_INDEX) |
    (revisionsSince === undefined ? 0 : HAS_AGE)
  );
}

/** With names, which a commit of a row that is there does not have otherwise. */
function packIndex(writer: PackedWriter, actor: ActorId, index: readonly IndexEntry[]): void {
  writer.value(actor.system);
  writer.value(actor.definition);
  writer.value(actor.name);
  writer.number(index.length);
  for (const { field, value } of index) {
    writer.value(field);
    writer.value(value);
  }
}

/** The entries that a commit writes, and for whom. */
export interface IndexChange {
  readonly actor: ActorId;
  readonly index: readonly IndexEntry[];
}

export function unpackIndex(reader: PackedReader): IndexChange {
  const actor = { system: reader.text(), definition: reader.text(), name: reader.text() };
  const index = reader.list(() => ({ field: reader.text(), value: reader.text() }));
  return { actor, index };
}

/** Most commits have none of this, and it costs them nothing. */
function packMessagesOf(writer: PackedWriter, { actor, consumes, cancels, sends }: Commit): void {
  writer.value(textOfNames(actor));
  writer.number(consumes.length);
  for (const { id, sentAt } of consumes) {
    writer.value(id);
    writer.number(sentAt);
  }
  writer.number(cancels.length);
  for (const id of cancels) writer.value(id);
  packMessages(writer, sends);
}

/** What a commit does with messages. */
export interface MessageChanges {
  /** The actor that commits. */
  readonly source: string;
  readonly consumes: readonly MessageRef[];
  readonly cancels: readonly string[];
  readonly sends: readonly MessageColumns[];
}

export function unpackMessageChanges(reader: PackedReader): MessageChanges {
  const source = reader.text();
  const consumes = reader.list(() => ({ id: reader.text(), sentAt: reader.number() }));
  const cancels = reader.list(() => reader.text());
  return { source, consumes, cancels, sends: unpackMessages(reader, source) };
}

export function packReply(writer: PackedWriter, reply: StoredReply): void {
  writer.value(reply.key);
  writer.value(reply.fingerprint);
  writer.number(REPLY_KINDS.indexOf(reply.kind));
  writer.sealable(reply.reply);
  writer.number(reply.expiresAt);
}

function unpackReply(reader: PackedReader): StoredReply {
  const key = reader.text();
  const fingerprint = reader.text();
  const kind = replyKind(reader.number());
  const reply = reader.sealable();
  assert(!(reply instanceof Uint8Array), "a reply is a text");
  return { key, fingerprint, kind, reply, expiresAt: reader.number() };
}

/** The kinds of stored replies, as the file numbers them. */
export const REPLY_KINDS = ["reply", "continued", "failed"] as const;

/** @throws {SpawnError} `STATE_CORRUPT` */
export function replyKind(number: number): StoredReply["kind"] {
  const kind = REPLY_KINDS[number];
  if (kind !== undefined) return kind;
  throw new SpawnError("STATE_CORRUPT", `a stored reply is of the unknown kind ${String(number)}`);
}

export function unpackReplies(reader: PackedReader): readonly StoredReply[] {
  return reader.list(() => unpackReply(reader));
}

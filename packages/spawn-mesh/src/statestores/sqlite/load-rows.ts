/** How queries look on their way to the worker, and answers on their way back. */
import assert from "node:assert";
import { isSpawnError, messageOf } from "../../engine/errors.ts";
import type {
  StoreAnswer,
  StoredActor,
  StoredReply,
  StoreQuery,
  Tags,
} from "../../engine/statestore.ts";
import type { ActorRow } from "../../engine/system-rows.ts";
import { packReply, unpackReplies } from "./commit-rows.ts";
import { numberIn } from "./stored-numbers.ts";
import { storedMessage, type StoredColumns } from "./message-rows.ts";
import { stateOf } from "./sealed-columns.ts";
import type { StoredMessage } from "../../engine/message-store.ts";
import { codecOf } from "../stored-codec.ts";
import { tagsOfText } from "../stored-texts.ts";
import { PackedReader, type PackedRows, PackedWriter } from "./packed-rows.ts";

const NUMBERS_PER_QUERY = 6;

/** A row of `spawn_actor` as it is selected: the columns of {@link ACTOR_COLUMNS}. */
export type ActorColumns = readonly [
  id: number,
  epoch: number,
  owner: string,
  baseEtag: Uint8Array | null,
  keptAt: number | null,
  isDeleted: number,
  etag: Uint8Array,
  revision: number,
  at: number,
  stateVersion: number,
  tags: string | null,
  keyId: string | null,
  state: string | Uint8Array | null,
  codec: number,
];

export const ACTOR_COLUMNS = `id, epoch, (SELECT o.name FROM spawn_owner o WHERE o.id = owner_id), base_etag, kept_at,
  is_deleted, etag, revision, at, state_version, tags, key_id, state, codec`;

const REVISION = 7;
const AT = 8;
const STATE_VERSION = 9;
const TAGS = 10;
const KEY_ID = 11;
const STATE = 12;
const CODEC = 13;

export function packQueries(queries: readonly StoreQuery[]): PackedRows {
  const writer = new PackedWriter(queries.length * NUMBERS_PER_QUERY);
  for (const { actor, row, keys, messages } of queries) {
    writer.value(actor.system);
    writer.value(actor.definition);
    writer.value(actor.name);
    writer.number(row ? 1 : 0);
    writer.number(keys.length);
    for (const key of keys) writer.value(key);
    writer.number(messages.length);
    for (const id of messages) writer.value(id);
  }
  return writer.finish();
}

export function unpackQuery(reader: PackedReader): StoreQuery {
  const actor = { system: reader.text(), definition: reader.text(), name: reader.text() };
  const row = reader.number() === 1;
  const keys = reader.list(() => reader.text());
  const messages = reader.list(() => reader.text());
  return { actor, row, keys, messages };
}

/** What is found for a query. */
export interface FoundRows {
  readonly columns: ActorColumns | undefined;
  readonly unsent: number;
  readonly replies: readonly StoredReply[];
  readonly messages: readonly StoredColumns[];
}

export function packAnswer(
  writer: PackedWriter,
  { columns, unsent, replies, messages }: FoundRows,
): void {
  writer.number(columns === undefined ? 0 : 1);
  if (columns !== undefined) {
    packRow(writer, columns);
    writer.number(unsent);
  }
  writer.number(replies.length);
  for (const reply of replies) packReply(writer, reply);
  writer.number(messages.length);
  // Few, and only when an answer was lost: no need to be clever.
  for (const message of messages) {
    const [id, source, target, action, keyId, payload, ...rest] = message;
    writer.value(payload);
    writer.value(JSON.stringify([id, source, target, action, keyId, null, ...rest]));
  }
}

function packRow(writer: PackedWriter, columns: ActorColumns): void {
  const [id, epoch, owner, baseEtag, keptAt, isDeleted, etag] = columns;
  writer.number(id);
  writer.value(latin1(etag));
  writer.value(baseEtag === null ? undefined : latin1(baseEtag));
  writer.number(epoch);
  writer.value(owner);
  writer.number(isDeleted);
  writer.number(keptAt ?? Number.NaN);
  writer.sealable(stateOf([columns[KEY_ID], columns[STATE]]));
  writer.number(columns[STATE_VERSION]);
  writer.value(columns[TAGS]);
  writer.number(columns[REVISION]);
  writer.number(columns[AT]);
  writer.number(columns[CODEC]);
}

/** A row as it is carried to another statestore. @throws {SpawnError} `STATE_CORRUPT` */
export function actorRow(columns: ActorColumns): ActorRow {
  const [, epoch, owner, baseEtag, keptAt, isDeleted, etag] = columns;
  const { tags, problem } = readTags(columns[CODEC], columns[TAGS]);
  const row: ActorRow = {
    etag: latin1(etag),
    baseEtag: baseEtag === null ? undefined : latin1(baseEtag),
    epoch: numberIn("epoch", epoch),
    owner,
    isDeleted: isDeleted === 1,
    keptAt: keptAt === null ? undefined : numberIn("kept_at", keptAt),
    state:
      problem === undefined ? (stateOf([columns[KEY_ID], columns[STATE]]) ?? undefined) : undefined,
    codec: "json",
    stateVersion: numberIn("state_version", columns[STATE_VERSION]),
    tags,
    revision: numberIn("revision", columns[REVISION]),
    at: numberIn("at", columns[AT]),
  };
  return problem === undefined ? row : { ...row, problem };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function unpackAnswers(rows: PackedRows, count: number): readonly StoreAnswer[] {
  const reader = new PackedReader(rows);
  return Array.from({ length: count }, () => ({
    row: reader.number() === 0 ? undefined : unpackRow(reader),
    replies: unpackReplies(reader),
    messages: reader.list(() => unpackMessage(reader)),
  }));
}

function unpackMessage(reader: PackedReader): StoredMessage {
  const stored = reader.value() ?? null;
  const columns = JSON.parse(reader.text()) as StoredColumns;
  const [id, source, target, action, keyId, , ...rest] = columns;
  return storedMessage([id, source, target, action, keyId, stored, ...rest]);
}

/** The tags of a row, or why they or its state cannot be read; it can still be replaced. */
function readTags(
  codec: number,
  tags: unknown,
): { readonly tags: Tags | undefined; readonly problem?: string } {
  try {
    codecOf(codec);
    return { tags: tags === null || tags === undefined ? undefined : tagsOfText(tags) };
  } catch (error) {
    if (isSpawnError(error)) return { tags: undefined, problem: messageOf(error) };
    throw error;
  }
}

function unpackRow(reader: PackedReader): StoredActor {
  const handle = reader.number();
  const etag = reader.text();
  const baseEtag = reader.value();
  assert(baseEtag === undefined || typeof baseEtag === "string");
  const epoch = reader.number();
  const owner = reader.text();
  const isDeleted = reader.number() === 1;
  const keptAt = reader.number();
  const state = reader.sealable();
  const stateVersion = reader.number();
  const storedTags = reader.value();
  const revision = reader.number();
  const at = reader.number();
  const { tags, problem } = readTags(reader.number(), storedTags);
  const row: StoredActor = {
    handle,
    etag,
    baseEtag,
    epoch,
    owner,
    isDeleted,
    keptAt: Number.isNaN(keptAt) ? undefined : keptAt,
    state: problem === undefined ? (state ?? undefined) : undefined,
    codec: "json",
    stateVersion,
    tags,
    revision,
    at,
    unsent: reader.number(),
  };
  return problem === undefined ? row : { ...row, problem };
}

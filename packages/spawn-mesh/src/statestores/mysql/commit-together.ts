/**
 * A group of commits as a few statements for all of its rows, in one transaction that is applied whole
 * or not at all.
 *
 * Behind each statement that decides stands a guard, which fails unless as many rows were changed as
 * should be. Then everything is taken back, and the group goes row by row, which tells what was refused.
 * That is rare: only a commit of somebody else, or one that is sent again, refuses any. Rows come in the
 * order of their keys, so that two groups do not wait for one another.
 */
import { keyOfDefinition } from "../sql/actor-key.ts";
import { flagsOf, IS_DELETED, replyStatus, tagsText } from "../sql/actor-rows.ts";
import { CODEC_JSON } from "../stored-codec.ts";
import { keyBytes } from "../sql/actor-walk.ts";
import type { KeyedCommit } from "../sql/commit-group.ts";
import { etagBytes, keptBy, type PartsDialect, removedBy, stateOf } from "../sql/commit-script.ts";
import { areThese, idBytes, SENT_COLUMNS, sentRow } from "../sql/message-rows.ts";
import { IS_TIMER } from "../message-flags.ts";
import { sealableColumns } from "../sql/sealed-columns.ts";
import { lockMessages } from "../sql/sql-messages.ts";
import { listed } from "./listed-rows.ts";
import { joined, type Sql, sql, type SqlValue, text } from "../sql/sql.ts";

/** That the row which is there is the one that the given row changes. */
const IS_MEANT = "etag = VALUES(base_etag)";
const isMeant = text(IS_MEANT);
/** What it is given as it is. The etag comes last: all others ask for the old one. */
const replaced = text(
  ["flags", "key_id", "state", "state_version", "tags", "rev", "at", "codec", "etag"]
    .map((column) => `${column} = IF(${IS_MEANT}, VALUES(${column}), ${column})`)
    .join(", "),
);

type Row = readonly SqlValue[];

export function commitTogether(
  dialect: PartsDialect,
  owner: string,
  commits: readonly KeyedCommit[],
): readonly Sql[] {
  const sorted = commits.toSorted((a, b) => a.key.compare(b.key));
  const updates = sorted.filter(({ commit }) => commit.handle !== undefined);
  const creates = sorted.filter(({ commit }) => commit.handle === undefined);
  return [
    ...lockRemoved(dialect, commits),
    ...keepRevisions(dialect, updates),
    ...updateRows(owner, updates),
    ...createRows(dialect, owner, creates),
    ...removeMessages(dialect, commits),
    ...removeDeleted(dialect, commits),
    ...index(dialect, sorted),
    ...remember(dialect, sorted),
    ...send(dialect, commits),
    ...trimHistory(dialect, updates),
  ];
}

/** Fails when it holds: no database adds anything to the largest number there is. */
function failIf(condition: Sql): Sql {
  return sql`SELECT ~0 + (${condition})`;
}

/** Fails unless the statement before it changed so many rows. */
function failUnlessChanged(rows: number): Sql {
  return failIf(sql`ROW_COUNT() <> ${rows}`);
}

function lockRemoved(dialect: PartsDialect, commits: readonly KeyedCommit[]): readonly Sql[] {
  const removed = commits.flatMap(({ commit }) => removedBy(commit));
  return removed.length === 0 ? [] : [lockMessages(dialect, removed)];
}

/** The superseded states, before they are. */
function keepRevisions(
  { among, lock }: PartsDialect,
  updates: readonly KeyedCommit[],
): readonly Sql[] {
  const keys = keysOf(updates.filter((keyed) => keptBy(keyed) > 0));
  if (keys.length === 0) return [];
  const columns = text("k, rev, etag, at, codec, state_version, tags, flags, key_id, state");
  return [
    sql`INSERT INTO spawn_history (${columns}) SELECT ${columns} FROM spawn_actor
      WHERE ${among("k", "bytes", keys)} AND state IS NOT NULL ${lock.ending}`,
  ];
}

/**
 * An INSERT is the fastest way to give many rows. One that is there is changed instead, and counts as two,
 * if its etag is what stands in `base_etag` of the given row; one that is not there is made, and counts as
 * one. A database sets the columns from left to right: what asks for old values comes first.
 */
function updateRows(owner: string, updates: readonly KeyedCommit[]): readonly Sql[] {
  if (updates.length === 0) return [];
  return [
    sql`INSERT INTO spawn_actor (k, base_etag, etag, kept_at, flags, key_id, state, state_version, tags, rev, at,
        codec, epoch, owner, type, "system", definition, name)
      VALUES ${listed(updates.map(updatedRow), `, ${CODEC_JSON}, 0, '', '', '', '', ''`)}
      ON DUPLICATE KEY UPDATE
        kept_at = CASE WHEN NOT ${isMeant} THEN kept_at WHEN VALUES(flags) & ${IS_DELETED} <> 0 THEN NULL
          WHEN VALUES(kept_at) = 1 AND state IS NOT NULL THEN VALUES(at) ELSE kept_at END,
        epoch = CASE WHEN ${isMeant} AND owner <> ${owner} THEN epoch + 1 ELSE epoch END,
        base_etag = CASE WHEN ${isMeant} AND owner <> ${owner} THEN etag ELSE base_etag END,
        owner = CASE WHEN ${isMeant} THEN ${owner} ELSE owner END,
        ${replaced}`,
    failUnlessChanged(2 * updates.length),
  ];
}

function updatedRow(keyed: KeyedCommit): Row {
  const { key, commit } = keyed;
  const [keyId, state] = stateOf(commit);
  const { previous, etag, stateVersion, tags, revision, at } = commit;
  const decisive = [key, etagBytes(previous), etagBytes(etag), keptBy(keyed) > 0 ? 1 : 0];
  return [...decisive, flagsOf(commit), keyId, state, stateVersion, tagsText(tags), revision, at];
}

function createRows(
  { orLeave }: PartsDialect,
  owner: string,
  creates: readonly KeyedCommit[],
): readonly Sql[] {
  if (creates.length === 0) return [];
  const rows = creates.map(({ key, commit }): Row => {
    const { system, definition, name } = commit.actor;
    const [keyId, state] = stateOf(commit);
    const names = [key, system, definition, name, keyOfDefinition(system, definition)];
    const value = [keyId, state, CODEC_JSON, commit.stateVersion, tagsText(commit.tags)];
    const decisive = [etagBytes(commit.etag), flagsOf(commit)];
    return [...names, ...decisive, ...value, commit.revision, commit.at, 1, owner];
  });
  return [
    sql`INSERT INTO spawn_actor (k, "system", definition, name, type, etag, flags, key_id, state, codec,
        state_version, tags, rev, at, epoch, owner)
      VALUES ${listed(rows)} ${orLeave("spawn_actor", "k")}`,
    failUnlessChanged(rows.length),
  ];
}

function removeMessages({ among }: PartsDialect, commits: readonly KeyedCommit[]): readonly Sql[] {
  const consumed = commits.flatMap(({ commit }) => commit.consumes);
  const cancelled = commits.flatMap(({ commit }) => commit.cancels);
  return [
    ...(consumed.length === 0
      ? []
      : [
          sql`DELETE FROM spawn_outbox WHERE ${areThese("spawn_outbox", consumed)}`,
          failUnlessChanged(consumed.length),
        ]),
    ...(cancelled.length === 0
      ? []
      : [sql`DELETE FROM spawn_outbox WHERE ${among("id", "bytes", cancelled.map(idBytes))}`]),
  ];
}

/** All that deleted actors had; a reply that was known still refuses the commit that brings it again. */
function removeDeleted({ among }: PartsDialect, commits: readonly KeyedCommit[]): readonly Sql[] {
  const deletes = commits.filter(({ commit }) => commit.isDelete);
  if (deletes.length === 0) return [];
  const keys = keysOf(deletes);
  const itsRows = among("k", "bytes", keys);
  const known = deletes.flatMap(({ key, commit }) =>
    commit.replies.map((reply) => sql`(k = ${key} AND id = ${Buffer.from(reply.key)})`),
  );
  return [
    ...(known.length === 0
      ? []
      : [failIf(sql`EXISTS (SELECT 1 FROM spawn_inbox WHERE ${joined(known, " OR ")})`)]),
    ...["spawn_history", "spawn_index", "spawn_inbox"].map(
      (table) => sql`DELETE FROM ${text(table)} WHERE ${itsRows}`,
    ),
    sql`DELETE FROM spawn_outbox WHERE ${among("src", "bytes", keys)} AND flags & ${IS_TIMER} <> 0`,
  ];
}

function index({ among }: PartsDialect, commits: readonly KeyedCommit[]): readonly Sql[] {
  const indexed = commits.filter(({ commit }) => commit.index !== undefined);
  const replaced = keysOf(indexed.filter(({ commit }) => commit.handle !== undefined));
  const entries = indexed.flatMap(({ key, commit }) => {
    const { system, definition } = commit.actor;
    const type = keyOfDefinition(system, definition);
    return (commit.index ?? []).map(({ field, value }): Row => [key, field, type, keyBytes(value)]);
  });
  return [
    ...(replaced.length === 0
      ? []
      : [sql`DELETE FROM spawn_index WHERE ${among("k", "bytes", replaced)}`]),
    ...(entries.length === 0
      ? []
      : [sql`INSERT INTO spawn_index (k, field, type, value) VALUES ${listed(entries)}`]),
  ];
}

function remember({ orLeave }: PartsDialect, commits: readonly KeyedCommit[]): readonly Sql[] {
  const replies = commits.flatMap(({ key, commit }) =>
    commit.replies.map((reply): Row => {
      const [keyId, value] = sealableColumns(reply.reply);
      const isDropped = reply.reply === undefined ? 1 : 0;
      const found = [key, Buffer.from(reply.key), reply.fingerprint, replyStatus(reply)];
      return [...found, keyId, value, isDropped, reply.expiresAt];
    }),
  );
  if (replies.length === 0) return [];
  return [
    sql`INSERT INTO spawn_inbox (k, id, fingerprint, status, key_id, reply, is_dropped, expire_at)
      VALUES ${listed(replies)} ${orLeave("spawn_inbox", "k")}`,
    failUnlessChanged(replies.length),
  ];
}

/** One that was parked before is left out, which takes a look at each. */
function send({ among, orLeave }: PartsDialect, commits: readonly KeyedCommit[]): readonly Sql[] {
  const messages = commits.flatMap(({ commit }) => commit.sends);
  if (messages.length === 0) return [];
  const ids = among(
    "id",
    "bytes",
    messages.map(({ id }) => idBytes(id)),
  );
  const columns = text(Object.keys(SENT_COLUMNS).join(", "));
  return [
    failIf(sql`EXISTS (SELECT 1 FROM spawn_parked WHERE ${ids})`),
    sql`INSERT INTO spawn_outbox (${columns}, attempts)
      VALUES ${listed(messages.map((message) => [...sentRow(message), 0]))} ${orLeave("spawn_outbox", "id")}`,
  ];
}

function trimHistory(dialect: PartsDialect, updates: readonly KeyedCommit[]): readonly Sql[] {
  const byKept = Map.groupBy(updates, keptBy);
  byKept.delete(0);
  const isMeant = sql`1 = 1`;
  return [...byKept].flatMap(([kept, commits]) => [
    sql`DELETE h FROM (SELECT k, rev, ROW_NUMBER() OVER (PARTITION BY k ORDER BY rev DESC) AS place
          FROM spawn_history WHERE ${dialect.among("k", "bytes", keysOf(commits))}) o
        STRAIGHT_JOIN spawn_history h FORCE INDEX (PRIMARY) ON h.k = o.k AND h.rev = o.rev
      WHERE o.place > ${kept}`,
    ...commits.flatMap(({ key, commit: { revisionsSince: since } }) =>
      since === undefined ? [] : [dialect.ageHistory({ key, since }, isMeant)],
    ),
  ]);
}

function keysOf(commits: readonly KeyedCommit[]): readonly Buffer[] {
  return commits.map(({ key }) => key);
}

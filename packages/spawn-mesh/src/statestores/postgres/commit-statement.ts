/**
 * A group of commits as one statement, with all that belongs to them: one round trip, one transaction,
 * one sync of the log.
 *
 * All parts of a statement see the same moment. A row that is updated is checked again when somebody
 * else changed it in between, so the etag decides; a consumed message is locked before it is counted, so
 * nobody can cancel it meanwhile; a stored reply comes from a commit of the same actor, which would have
 * changed the etag, or from a step that ended meanwhile: then the key is taken, and the group comes again. Parts that no commit of the group needs are left out; most groups are
 * a plain update.
 */
import { keyOfDefinition } from "../sql/actor-key.ts";
import { keyBytes } from "../sql/actor-walk.ts";
import { flagsOf, IS_DELETED, replyStatus, tagsText } from "../sql/actor-rows.ts";
import { CODEC_JSON } from "../stored-codec.ts";
import type { KeyedCommit } from "../sql/commit-group.ts";
import { etagBytes, keptBy } from "../sql/commit-script.ts";
import { type ColumnType, commonForms, type CommitScript, type GivenRows } from "../sql/dialect.ts";
import { idBytes, SENT_COLUMNS, sentRow } from "../sql/message-rows.ts";
import { IS_TIMER } from "../message-flags.ts";
import { sealableColumns } from "../sql/sealed-columns.ts";
import { joined, type Sql, sql, type SqlValue, text } from "../sql/sql.ts";
import { lockMessages, prefixed } from "../sql/sql-messages.ts";
import { among, given } from "./given-rows.ts";

const ROW_COLUMNS = {
  i: "int",
  k: "bytes",
  etag: "bytes",
  flags: "int",
  key_id: "text",
  state: "bytes",
  state_version: "int",
  tags: "text",
  rev: "bigint",
  at: "bigint",
} as const satisfies Record<string, ColumnType>;

const UPDATED_COLUMNS = { ...ROW_COLUMNS, previous: "bytes", kept: "int" } as const;

const CREATED_COLUMNS = {
  ...ROW_COLUMNS,
  system: "text",
  definition: "text",
  name: "text",
  type: "bytes",
} as const;

const REPLY_COLUMNS = {
  i: "int",
  k: "bytes",
  id: "bytes",
  fingerprint: "text",
  status: "int",
  key_id: "text",
  reply: "bytes",
  is_dropped: "int",
  expire_at: "bigint",
} as const;

const ENTRY_COLUMNS = {
  i: "int",
  k: "bytes",
  field: "text",
  type: "bytes",
  value: "bytes",
} as const;

/** What a group needs. */
interface Needs {
  readonly creates: boolean;
  readonly updates: boolean;
  readonly keeps: boolean;
  readonly ages: boolean;
  readonly deletes: boolean;
  readonly indexes: boolean;
  readonly replies: boolean;
  readonly consumes: boolean;
  readonly cancels: boolean;
  readonly sends: boolean;
}

export function commitScript(owner: string, commits: readonly KeyedCommit[]): CommitScript {
  const cancelled = commits.flatMap(({ commit }) => commit.cancels);
  const deleted = commits.filter(({ commit }) => commit.isDelete);
  const replaced = commits.filter(
    ({ commit }) => (commit.index !== undefined || commit.isDelete) && commit.handle !== undefined,
  );
  return {
    // What is sent anew under the id meanwhile, and what timers, entries and replies an actor is given
    // meanwhile, is only seen by a statement that begins afterwards.
    statements: [
      ...(cancelled.length > 0 ? [lockMessages({ among, lock: commonForms.lock }, cancelled)] : []),
      ...(deleted.length > 0 ? [lockTimers(deleted)] : []),
      ...(replaced.length > 0 ? [lockActors(replaced)] : []),
      commitStatement(owner, commits),
    ],
    isApplied(results) {
      const applied = commits.map(() => false);
      for (const [index] of results.at(-1)?.rows ?? []) applied[Number(index)] = true;
      return applied;
    },
  };
}

function commitStatement(owner: string, commits: readonly KeyedCommit[]): Sql {
  const needs = needsOf(commits);
  return withParts([...decisiveParts(owner, commits, needs), ...dependentParts(commits, needs)]);
}

/** What decides which commits are applied, and keeps what they supersede; what else belongs to them is left to the caller. */
export function decisiveStatement(owner: string, commits: readonly KeyedCommit[]): Sql {
  return withParts(decisiveParts(owner, commits, needsOf(commits)));
}

function withParts(parts: readonly (Sql | false)[]): Sql {
  const needed = parts.filter((each) => each !== false);
  return sql`WITH ${joined(needed, ",\n")} SELECT i FROM applied`;
}

function decisiveParts(
  owner: string,
  commits: readonly KeyedCommit[],
  needs: Needs,
): readonly (Sql | false)[] {
  return [
    needs.updates && part("u", givenUpdates(commits)),
    needs.creates && part("n", givenCreates(commits)),
    needs.consumes && part("c", givenConsumes(commits)),
    needs.consumes && part("locked", lockedMessages, "MATERIALIZED"),
    needs.replies && part("r", givenReplies(commits)),
    (needs.consumes || needs.replies) && part("refused", refused(needs), "MATERIALIZED"),
    needs.updates && part("updated", updateRows(owner, needs)),
    needs.creates && part("created", createRows(owner, needs)),
    part("applied", appliedRows(needs)),
    needs.keeps && part("kept", keepRevisions),
  ];
}

function dependentParts(commits: readonly KeyedCommit[], needs: Needs): readonly (Sql | false)[] {
  return [
    needs.keeps && part("trimmed", trimHistory),
    needs.deletes && part("history_gone", deleteBelow("spawn_history")),
    needs.ages && part("aged", ageHistory(commits)),
    needs.deletes && part("index_gone", deleteBelow("spawn_index")),
    needs.indexes && part("e", givenEntries(commits)),
    needs.indexes && part("unindexed", removeEntries(commits), "MATERIALIZED"),
    needs.indexes && part("indexed", insertEntries),
    needs.deletes && part("replies_gone", deleteBelow("spawn_inbox")),
    needs.deletes && part("timers_gone", removeTimers),
    needs.consumes && part("consumed", consumeMessages),
    needs.cancels && part("d", givenCancels(commits)),
    needs.cancels && part("cancelled", cancelMessages),
    needs.replies && part("replied", insertReplies),
    needs.sends && part("o", givenSends(commits)),
    needs.sends && part("sent", insertSends(needs)),
  ];
}

function needsOf(commits: readonly KeyedCommit[]): Needs {
  const any = (has: (keyed: KeyedCommit) => boolean): boolean => commits.some(has);
  return {
    creates: any(isCreate),
    updates: any((keyed) => !isCreate(keyed)),
    keeps: any((keyed) => keptBy(keyed) > 0),
    ages: any((keyed) => keptBy(keyed) > 0 && keyed.commit.revisionsSince !== undefined),
    indexes: any(({ commit }) => commit.index !== undefined),
    deletes: any(({ commit }) => commit.isDelete),
    replies: any(({ commit }) => commit.replies.length > 0),
    consumes: any(({ commit }) => commit.consumes.length > 0),
    cancels: any(({ commit }) => commit.cancels.length > 0),
    sends: any(({ commit }) => commit.sends.length > 0),
  };
}

export function isCreate({ commit }: KeyedCommit): boolean {
  return commit.handle === undefined;
}

/** Nobody puts them off until the transaction ends. */
function lockTimers(commits: readonly KeyedCommit[]): Sql {
  const keys = commits.map(({ key }) => key);
  return sql`SELECT id FROM spawn_outbox WHERE ${among("src", "bytes", keys)}
    AND flags & ${text(`${IS_TIMER}`)} <> 0 ORDER BY id FOR UPDATE`;
}

/** Nobody makes entries for them, or remembers replies, until the transaction ends. */
function lockActors(commits: readonly KeyedCommit[]): Sql {
  const keys = commits.map(({ key }) => key);
  return sql`SELECT k FROM spawn_actor WHERE ${among("k", "bytes", keys)} ORDER BY k FOR UPDATE`;
}

function part(name: string, body: Sql, how = ""): Sql {
  return sql`${text(`${name} AS ${how} (`)}${body})`;
}

function select(rows: GivenRows): Sql {
  return sql`SELECT * FROM ${given(rows)}`;
}

function givenUpdates(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap((keyed, index) =>
    isCreate(keyed)
      ? []
      : [[...rowOf(keyed, index), etagBytes(keyed.commit.previous), keptBy(keyed)]],
  );
  return select({ name: "g", columns: UPDATED_COLUMNS, rows });
}

function givenCreates(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap((keyed, index) => {
    if (!isCreate(keyed)) return [];
    const { system, definition, name } = keyed.commit.actor;
    const type = keyOfDefinition(system, definition);
    return [[...rowOf(keyed, index), system, definition, name, type]];
  });
  return select({ name: "g", columns: CREATED_COLUMNS, rows });
}

function rowOf({ key, commit }: KeyedCommit, index: number): readonly SqlValue[] {
  return [
    index,
    key,
    etagBytes(commit.etag),
    flagsOf(commit),
    ...sealableColumns(commit.isDelete ? undefined : commit.state),
    commit.stateVersion,
    tagsText(commit.tags),
    commit.revision,
    commit.at,
  ];
}

function givenConsumes(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap(({ commit }, index) =>
    commit.consumes.map(({ id, sentAt }) => [index, idBytes(id), sentAt]),
  );
  return select({ name: "g", columns: { i: "int", id: "bytes", sent_at: "bigint" }, rows });
}

function givenCancels(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap(({ commit }, index) =>
    commit.cancels.map((id) => [index, idBytes(id)]),
  );
  return select({ name: "g", columns: { i: "int", id: "bytes" }, rows });
}

function givenReplies(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap(({ commit, key }, index) =>
    commit.replies.map((reply) => [
      index,
      key,
      Buffer.from(reply.key),
      reply.fingerprint,
      replyStatus(reply),
      ...sealableColumns(reply.reply),
      reply.reply === undefined ? 1 : 0,
      reply.expiresAt,
    ]),
  );
  return select({ name: "g", columns: REPLY_COLUMNS, rows });
}

function givenEntries(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap(({ commit, key }, index) => {
    const { system, definition } = commit.actor;
    const type = keyOfDefinition(system, definition);
    return (commit.index ?? []).map(({ field, value }) => [
      index,
      key,
      field,
      type,
      keyBytes(value),
    ]);
  });
  return select({ name: "g", columns: ENTRY_COLUMNS, rows });
}

function givenSends(commits: readonly KeyedCommit[]): Sql {
  let place = 0;
  const rows = commits.flatMap(({ commit }, index) =>
    commit.sends.map((message) => [index, place++, ...sentRow(message)]),
  );
  return select({ name: "g", columns: { i: "int", place: "int", ...SENT_COLUMNS }, rows });
}

const lockedMessages: Sql = sql`SELECT c.i, m.position FROM c JOIN spawn_outbox m
    ON m.id = c.id AND m.sent_at = c.sent_at
  ORDER BY m.id FOR UPDATE OF m`;

function refused({ consumes, replies }: Needs): Sql {
  const missing = sql`SELECT c.i FROM c GROUP BY c.i
    HAVING count(*) > (SELECT count(*) FROM locked l WHERE l.i = c.i)`;
  const known = sql`SELECT r.i FROM r JOIN spawn_inbox x ON x.k = r.k AND x.id = r.id`;
  return joined([...(consumes ? [missing] : []), ...(replies ? [known] : [])], " UNION ALL ");
}

/** The condition that nothing but the etag can refuse the commit of `row`. */
function isAllowed(row: string, { consumes, replies }: Needs): Sql {
  if (!consumes && !replies) return sql`true`;
  return sql`${text(row)}.i NOT IN (SELECT i FROM refused)`;
}

function updateRows(owner: string, needs: Needs): Sql {
  return sql`UPDATE spawn_actor a SET etag = w.etag, flags = w.flags, key_id = w.key_id, state = w.state, codec = ${text(`${CODEC_JSON}`)},
      state_version = w.state_version, tags = w.tags, rev = w.rev, at = w.at,
      kept_at = CASE WHEN ${isDeleted("w")} THEN NULL
        WHEN w.kept > 0 AND a.state IS NOT NULL THEN w.at ELSE a.kept_at END,
      epoch = CASE WHEN a.owner = ${owner} THEN a.epoch ELSE a.epoch + 1 END,
      base_etag = CASE WHEN a.owner = ${owner} THEN a.base_etag ELSE a.etag END,
      owner = ${owner}
    FROM (SELECT * FROM u WHERE ${isAllowed("u", needs)}) w
    WHERE a.k = w.k AND a.etag = w.previous
    RETURNING w.i, w.k, w.flags, w.kept, w.previous`;
}

function createRows(owner: string, needs: Needs): Sql {
  return sql`INSERT INTO spawn_actor (k, system, definition, name, type, etag, flags, key_id, state, codec,
      state_version, tags, rev, at, epoch, owner)
    SELECT n.k, n.system, n.definition, n.name, n.type, n.etag, n.flags, n.key_id, n.state, ${text(`${CODEC_JSON}`)},
      n.state_version, n.tags, n.rev, n.at, 1, ${owner}
    FROM n WHERE ${isAllowed("n", needs)} ORDER BY n.k
    ON CONFLICT (k) DO NOTHING RETURNING k`;
}

function appliedRows({ creates, updates }: Needs): Sql {
  return joined(
    [
      ...(updates ? [sql`SELECT i, k, flags FROM updated`] : []),
      ...(creates ? [sql`SELECT n.i, n.k, n.flags FROM n JOIN created ON created.k = n.k`] : []),
    ],
    " UNION ALL ",
  );
}

/** The table is still seen as it was: the superseded states. */
const keepRevisions: Sql = sql`INSERT INTO spawn_history (k, rev, etag, at, codec, state_version, tags, flags, key_id, state)
  SELECT a.k, a.rev, a.etag, a.at, a.codec, a.state_version, a.tags, a.flags, a.key_id, a.state
  FROM updated w JOIN spawn_actor a ON a.k = w.k AND a.etag = w.previous
  WHERE w.kept > 0 AND a.state IS NOT NULL`;

/** The revision that is put in is not seen yet: it makes room for itself. */
const trimHistory: Sql = sql`DELETE FROM spawn_history h USING updated w
  WHERE w.kept > 0 AND h.k = w.k AND h.rev <= (SELECT o.rev FROM spawn_history o WHERE o.k = w.k
    ORDER BY o.rev DESC OFFSET w.kept - 1 LIMIT 1)`;

/** What was the state at `since` stays; that may be the one that is put in, which is not seen yet. */
function ageHistory(commits: readonly KeyedCommit[]): Sql {
  const rows = commits.flatMap(({ commit, key }) =>
    commit.revisionsSince === undefined ? [] : [[key, commit.revisionsSince]],
  );
  const aged = given({ name: "g", columns: { k: "bytes", since: "bigint" }, rows });
  return sql`DELETE FROM spawn_history h USING updated w, spawn_actor a, ${aged}
    WHERE w.kept > 0 AND h.k = w.k AND g.k = w.k AND a.k = w.k AND (a.at <= g.since
      OR h.rev < (SELECT max(o.rev) FROM spawn_history o WHERE o.k = w.k AND o.at <= g.since))`;
}

function removeEntries(commits: readonly KeyedCommit[]): Sql {
  const indexes = commits.flatMap(({ commit }, index) =>
    commit.index === undefined ? [] : [[index]],
  );
  const those = given({ name: "g", columns: { i: "int" }, rows: indexes });
  return sql`DELETE FROM spawn_index x USING applied w, ${those}
    WHERE x.k = w.k AND w.i = g.i RETURNING 1`;
}

/** After those are removed that the actor had. */
const insertEntries: Sql = sql`INSERT INTO spawn_index (k, field, type, value)
  SELECT e.k, e.field, e.type, e.value FROM e JOIN applied w ON w.i = e.i
    CROSS JOIN (SELECT count(*) FROM unindexed) AS first`;

function deleteBelow(table: string): Sql {
  return sql`DELETE FROM ${text(table)} x USING applied w WHERE x.k = w.k AND ${isDeleted("w")}`;
}

const removeTimers: Sql = sql`DELETE FROM spawn_outbox m USING applied w
  WHERE m.src = w.k AND m.flags & ${text(`${IS_TIMER}`)} <> 0 AND ${isDeleted("w")} RETURNING 1`;

const consumeMessages: Sql = sql`DELETE FROM spawn_outbox m USING locked l, applied w
  WHERE m.position = l.position AND l.i = w.i RETURNING 1`;

const cancelMessages: Sql = sql`DELETE FROM spawn_outbox m USING d, applied w
  WHERE m.id = d.id AND d.i = w.i RETURNING 1`;

const insertReplies: Sql = sql`INSERT INTO spawn_inbox (k, id, fingerprint, status, key_id, reply, is_dropped, expire_at)
  SELECT r.k, r.id, r.fingerprint, r.status, r.key_id, r.reply, r.is_dropped, r.expire_at
  FROM r JOIN applied w ON w.i = r.i`;

/** After what is removed, so that a message may be replaced by one of the same id. */
function insertSends({ consumes, cancels, deletes }: Needs): Sql {
  const columns = Object.keys(SENT_COLUMNS).join(", ");
  const after = [
    ...(consumes ? [text("CROSS JOIN (SELECT count(*) FROM consumed) AS first")] : []),
    ...(deletes ? [text("CROSS JOIN (SELECT count(*) FROM timers_gone) AS second")] : []),
    ...(cancels ? [text("CROSS JOIN (SELECT count(*) FROM cancelled) AS third")] : []),
  ];
  return sql`INSERT INTO spawn_outbox (${text(columns)}, attempts)
    SELECT ${text(prefixed("o", columns))}, 0 FROM o JOIN applied w ON w.i = o.i ${joined(after, " ")}
    WHERE NOT EXISTS (SELECT 1 FROM spawn_parked p WHERE p.id = o.id)
    ORDER BY o.place ON CONFLICT (id) DO NOTHING`;
}

function isDeleted(row: string): Sql {
  return text(`${row}.flags & ${IS_DELETED} <> 0`);
}
